// The example report that was approved for the main queue, on its way: the demo's forwarder
// brings it to a folder, from which somebody types it into the queue and brings its number.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { binary } from "./demo.js";
import { until } from "./person.js";

export const tracking = "1234567";
export const link = `https://antrean.example/pengaduan/${tracking}`;

// status is what suluh status says with a code.
export function status(demo, code, ...args) {
  return execFileSync(binary, ["status", "--server", demo.intake, "--root-key", join(demo.dir, "keys/root.vkey"), ...args],
    { input: `${code}\n`, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
}

// forwarded returns the code of the report once its reporter was told the number.
export async function forwarded(demo) {
  const code = demo.codes.at(-2);
  const told = () => JSON.parse(status(demo, code, "--json"));
  await until("the report to be forwarded", () => told().status === "forwarded");
  const folder = join(demo.dir, "antrean");
  const [reference] = readdirSync(folder).flatMap((name) => name.match(/^([a-z2-7]+)\.json$/)?.[1] ?? []);
  execFileSync(binary, ["forward", "import", "--config", join(demo.dir, "forward/forward.toml"), "-"], {
    input: `reference,tracking,status,link,answer\n${reference},${tracking},Dalam Proses,${link},Lampunya diganti pekan ini.\n`, stdio: ["pipe", "ignore", "inherit"],
  });
  await until("its number to be told", () => told().messages.some(({ text }) => text?.includes(tracking)));
  return code;
}
