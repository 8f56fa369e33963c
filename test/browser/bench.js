// Measures what the browser's half does with a large file: node bench.js [MiB [ROUNDS]].
// It seals and uploads one to a Suluh of its own on loopback, in Chromium, beside the age
// library alone in the same browser, and prints a line of JSON for each round: of both the
// rate in MB/s, by how many MiB the tab's memory grew, and the milliseconds of processor
// time that the browser's processes took for each MB. "make bench" calls it.
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync, closeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../web/browser/test/load.js";
import { launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";

const size = Number(process.argv[2] ?? 500);
const rounds = Number(process.argv[3] ?? 2);
const mb = size * 1.048576;
const folder = mkdtempSync(join(tmpdir(), "suluh-bench-"));
const path = join(folder, "besar.bin");
const out = openSync(path, "w");
for (let i = 0; i < size; i++) writeSync(out, randomBytes(1 << 20));
closeSync(out);

const demo = await startDemo();
const browser = await launch();
try {
  const page = await (await browser.newContext({ bypassCSP: true })).newPage();
  await page.goto(`${demo.intake}lapor/tulis`);
  await page.evaluate(`${await bundle("page.ts", "suluh")}; globalThis.suluh = suluh;`);
  await page.evaluate(`${await bundle("alone.ts", "alone")}; globalThis.alone = alone;`);
  await page.evaluate(() => {
    const input = document.createElement("input");
    input.type = "file";
    input.id = "uji-berkas";
    document.body.append(input);
  });
  await page.setInputFiles("#uji-berkas", path);
  const key = readFileSync(join(demo.dir, "keys/root.vkey"), "utf8").trim();
  await page.evaluate((key) => globalThis.suluh.begin(key, "/peramban/worker.js"), key);

  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const pss = (pid) => {
    try {
      return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) / 1024;
    } catch {
      return 0; // a spare process that is gone
    }
  };
  // The tab's process is the largest of those that show pages; its workers are in it.
  const [tab] = processInfo.filter((p) => p.type === "renderer").map((p) => p.id).sort((a, b) => pss(b) - pss(a));
  const memory = () => pss(tab);
  const processor = () => processInfo.reduce((ms, p) => {
    try {
      // User and system time, in hundredths of a second: the twelfth and thirteenth after the name.
      const times = readFileSync(`/proc/${p.id}/stat`, "utf8").split(") ").at(-1).split(" ");
      return ms + 10 * (Number(times[11]) + Number(times[12]));
    } catch {
      return ms;
    }
  }, 0);
  const measure = async (f) => {
    const idle = memory();
    const before = processor();
    let peak = idle;
    const timer = setInterval(() => { peak = Math.max(peak, memory()); }, 200);
    const t = await page.evaluate(f);
    clearInterval(timer);
    return { rate: mb / t, grown: peak - idle, processor: (processor() - before) / mb };
  };
  const alone = () => measure(async () => {
    const t = performance.now();
    await globalThis.alone.seal(document.getElementById("uji-berkas").files[0]);
    return (performance.now() - t) / 1000;
  });
  const whole = () => measure(async () => {
    const form = { unit: globalThis.suluh.unit(), without: [], report: { apa: `uji ${performance.now()}` }, language: "id", asIs: true };
    const t = performance.now();
    const sent = await globalThis.suluh.send(form, [document.getElementById("uji-berkas").files[0]]);
    if (sent.failure) throw new Error(sent.failure);
    return (performance.now() - t) / 1000;
  });
  for (let i = 0; i < rounds; i++) console.log(JSON.stringify({ alone: await alone(), whole: await whole() }));
} finally {
  await browser.close();
  await demo.stop();
  rmSync(folder, { recursive: true, force: true });
}
