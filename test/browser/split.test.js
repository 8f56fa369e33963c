// A report to a unit with key witnesses, in each of the ways that there are to send one:
// its readers see that it came, and read it once enough shares were joined.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { binary, startDemo } from "./lib/demo.js";
import { heading, sealed } from "./lib/device.js";
import { Firefox } from "./lib/firefox.js";
import { Person } from "./lib/person.js";
import { startProxy } from "./lib/proxy.js";
import { nameKeyWitnesses, openSplit } from "./lib/split.js";
import { codeOf } from "./tours/intake.js";

const names = { "saksi-a": "Kantor Contoh Satu", "saksi-b": "Kantor Contoh Dua", "saksi-c": "Kantor Contoh Tiga" };
const said = "Isinya baru dapat dibuka setelah 2 dari 3 lembaga ini mencatat pembukaannya: Kantor Contoh Satu, Kantor Contoh Dua, Kantor Contoh Tiga.";
const spare = "Kunci cadangan di kertas milik unit ini membukanya tanpa lembaga lain.";

let demo, proxy, chromium, folder, file, witnesses;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-split-"));
  file = join(folder, "kuitansi.pdf");
  writeFileSync(file, "kuitansi rahasia contoh");
  demo = await startDemo();
  witnesses = nameKeyWitnesses(demo, { unit: "itprov", from: "itjen", need: 2, names });
  proxy = await startProxy(demo.intake);
  chromium = await launch();
});
after(async () => {
  await chromium?.close();
  proxy?.stop();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The case whose report tells a title, if it tells it only now. */
function opened(title) {
  const [a, b, c] = witnesses;
  const all = openSplit(demo, "penelaah-satu", [a, b]).filter((x) => x.after.some((l) => l.report?.apa.startsWith(title)));
  assert.equal(all.length, 1, `one case tells “${title}” once two of three gave their shares`);
  const [case1] = all;
  assert.deepEqual([case1.need, case1.before], [2, []], "nothing that was written opens before");
  assert.deepEqual([case1.summary.title, case1.summary.category], ["", "pengadaan"], "the list shows what kind it is of, and no word of it");
  const again = openSplit(demo, "penelaah-dua", [c, a]).find((x) => x.case === case1.case);
  assert.deepEqual(again.after, case1.after, "any two of them open it, to any reader");
  return case1;
}

const ways = {
  "Chromium": () => Chromium.open(chromium),
  "Chromium with script": () => Chromium.open(chromium, { javaScriptEnabled: true }),
  "Firefox": () => Firefox.launch({}),
  "Firefox with script": () => Firefox.launch({ "javascript.enabled": true }),
};

for (const [way, start] of Object.entries(ways)) {
  test(`a report whose key is split: ${way}`, async (t) => {
    const engine = await start();
    t.after(() => engine.close());
    const person = new Person(engine);
    const script = way.endsWith("with script");
    const title = `Jalan di Desa Contoh retak (${way})`;
    proxy.received = [];
    proxy.record = true;
    await person.open(`${proxy.url}lapor/tulis`);
    if (script) await sealed(person);
    await person.choose("Tidak. Inspektorat Provinsi yang membaca");
    await person.fill("Apa yang terjadi?", `${title}\nAspalnya setipis kertas.`);
    await person.choose("Pengadaan barang atau jasa");
    await person.click("Lanjut: periksa laporan");
    const text = await person.text();
    for (const words of [said, spare]) assert.ok(text.includes(words), `the check page says “${words}”`);
    await person.attach("Pilih berkas", file);
    await person.click("Kirim laporan sekarang");
    await heading(person, "Laporan diterima. Catat kode ini");
    const code = await codeOf(person);
    if (!script) { // loaded anew: the browser sends the form once more
      await person.reload();
      assert.deepEqual(await codeOf(person), code);
    }
    const { case: name, after: letters, key } = opened(title);
    assert.equal(letters.length, 1);
    assert.deepEqual(letters[0].attachments.map((a) => a.name), ["kuitansi.pdf"]);
    if (!script) return;
    const sent = proxy.sent();
    assert.ok(sent.includes(name), "what was sent is looked at");
    const identities = key.split("\n");
    assert.equal(identities.length, 2);
    for (const secret of [title, "setipis kertas", "kuitansi.pdf", code.slice(0, 2).join(" "), ...identities, "suluh.example/s", "saksi-a "]) {
      for (const form of [Buffer.from(secret), Buffer.from(Buffer.from(secret).toString("base64").slice(0, -4)), Buffer.from(secret, "utf16le")]) {
        assert.ok(!sent.includes(form), `“${secret}” was sent in the clear`);
      }
    }
  });
}

test("a report whose key is split: suluh submit", () => {
  const title = "Jalan di Desa Contoh retak (submit)";
  const report = join(folder, "laporan.json");
  writeFileSync(report, JSON.stringify({ apa: title, jenis: "pengadaan", unit: "itprov" }));
  execFileSync(binary, ["submit", "--server", demo.intake, "--root-key", join(demo.dir, "keys/root.vkey"), "--from", report, "--attach", file], { stdio: "pipe" });
  assert.deepEqual(opened(title).after[0].attachments.map((a) => a.name), ["kuitansi.pdf"]);
});
