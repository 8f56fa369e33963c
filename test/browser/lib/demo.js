// A Suluh of one's own: suluh demo with its real processes, on free ports of loopback.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = new URL("../../..", import.meta.url).pathname;
export const binary = join(root, "build/bin/suluh");

// run starts suluh, and returns the first line that it prints and what stops it.
export async function run(args) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    once(lines, "line").then(([line]) => line),
    ended.then(([code]) => { throw new Error(`suluh ${args[0]} ended with ${code}`); }),
  ]);
  return { line, async stop() { child.kill("SIGTERM"); await ended; } };
}

export async function startDemo() {
  execFileSync("go", ["build", "-o", binary, "./cmd/suluh"], { cwd: root, stdio: "inherit" });
  const dir = mkdtempSync(join(tmpdir(), "suluh-demo-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    const { line, stop } = await run(["demo", "--json", "--dir", dir,
      "--intake-addr", "127.0.0.1:0", "--desk-addr", "127.0.0.1:0", "--audit-addr", "127.0.0.1:0"]);
    const { codes } = JSON.parse(readFileSync(join(dir, "demo.json"), "utf8"));
    return { ...JSON.parse(line), codes, stop: () => stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

// startIntake starts one more intake: at another vault, or with other settings.
export async function startIntake(demo, ...args) {
  const { line, stop } = await run(["intake", "--listen", "127.0.0.1:0", "--deposit-socket", demo.deposit_socket,
    "--root-key", join(demo.dir, "keys/root.vkey"), ...args]);
  return { url: line.match(/http\S+/)[0], stop };
}

// startYear serves the log of a made year, in which there is what an auditor should ask about.
export async function startYear() {
  const dir = mkdtempSync(join(tmpdir(), "suluh-year-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  try {
    execFileSync("go", ["run", "./internal/bench", "-year", dir], { cwd: root, stdio: "inherit" });
    const { line, stop } = await run(["audit", "serve", "--open-entries", "--listen", "127.0.0.1:0", "--log-key", join(dir, "log.vkey"), dir]);
    return { url: line.match(/http\S+/)[0], stop: () => stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}
