// With the script, on a circuit whose share is used up: the service asks to wait, the script
// waits and goes on by itself. Nothing is lost, and nothing is sent twice.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { startCircuit } from "./lib/circuit.js";
import { startDemo, startIntake } from "./lib/demo.js";
import { heading, openSealed } from "./lib/device.js";
import { Person, until } from "./lib/person.js";
import { words } from "./lib/words.js";
import { codeOf } from "./tours/intake.js";

const w = words("id");
let demo, intake, circuit, browser, engine, person, folder, file;
let refused = [];
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-files-"));
  file = join(folder, "rekaman.mp3");
  writeFileSync(file, Buffer.alloc(1 << 20, "ID3"));
  demo = await startDemo();
  const socket = join(demo.dir, "circuits.sock");
  intake = await startIntake(demo, "--circuit-socket", socket);
  circuit = await startCircuit(socket);
  browser = await launch();
  engine = await Chromium.open(browser, { javaScriptEnabled: true });
  person = new Person(engine);
  engine.page.on("response", (r) => { if (r.status() === 429) refused.push(new URL(r.url()).pathname); });
});
after(async () => {
  await browser?.close();
  circuit?.stop();
  await intake?.stop();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// during does something while nothing is served, until a request of the script's was
// refused, and then serves it again.
async function during(act) {
  refused = [];
  await circuit.hold();
  await act();
  await until("the script to be told to wait", () => refused.some((path) => path.startsWith("/deposit/v1/")));
  await circuit.release();
}

const press = async (name) => engine.click(await engine.find("button", name));

let code;
test("a report with a file arrives once", async () => {
  await openSealed(person, circuit.url + "lapor/tulis", "id");
  await person.choose("Tidak. Inspektorat Provinsi");
  await person.fill(w("intake.field.apa"), "Papan proyek tanpa angka");
  await during(() => press(w("intake.write.next")));
  await heading(person, w("intake.check.title"));
  await person.attach(w("intake.file"), file);
  await during(async () => {
    await press(w("intake.check.send"));
    await heading(person, w("intake.device.send.title"));
  });
  await heading(person, w("intake.code.title"));
  code = await codeOf(person);
  const text = await person.text();
  assert.equal(code.length, 10);
  assert.ok(!text.includes(w("intake.code.same")) && !text.includes(w("intake.code.added")), text);
});

test("a code opens its report", async () => {
  await openSealed(person, circuit.url + "cek", "id");
  await person.fill(w("intake.open.label"), code.join(" "));
  await during(() => press(w("intake.open.button")));
  await heading(person, "Status: Laporan diterima");
});
