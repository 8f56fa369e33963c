// A Suluh of one's own: suluh demo with its real processes, on free ports of loopback.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = new URL("../../..", import.meta.url).pathname;

export async function startDemo() {
  execFileSync("go", ["build", "-o", "build/bin/suluh", "./cmd/suluh"], { cwd: root, stdio: "inherit" });
  const dir = mkdtempSync(join(tmpdir(), "suluh-demo-"));
  const process = spawn(join(root, "build/bin/suluh"),
    ["demo", "--json", "--dir", dir, "--intake-addr", "127.0.0.1:0", "--desk-addr", "127.0.0.1:0", "--audit-addr", "127.0.0.1:0"],
    { stdio: ["ignore", "pipe", "inherit"] });
  const line = await Promise.race([
    once(createInterface({ input: process.stdout }), "line").then(([line]) => line),
    once(process, "exit").then(([code]) => { throw new Error(`suluh demo ended with ${code}`); }),
  ]);
  return {
    ...JSON.parse(line),
    async stop() {
      process.kill("SIGTERM");
      if (process.exitCode === null) await once(process, "exit");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
