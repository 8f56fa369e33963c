// The main job, as people do it: a report with a file, ten words on paper, the desk, an
// answer, the answer read, a reply with a file. Without JavaScript, in Chromium and in
// Firefox, in a wide window and at 320 px (Firefox: 1280 px at 400 %).
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { Firefox } from "./lib/firefox.js";
import { Person } from "./lib/person.js";
import { codeOf } from "./tours/intake.js";

let demo, chromium, firefox, folder, photo, paper;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-files-"));
  photo = { path: join(folder, "foto papan proyek.jpg"), bytes: randomBytes(300_000) };
  paper = { path: join(folder, "kuitansi.pdf"), bytes: randomBytes(5_000) };
  for (const { path, bytes } of [photo, paper]) writeFileSync(path, bytes);
  demo = await startDemo();
  chromium = await launch();
  firefox = await Firefox.launch({ "svg.disabled": true, "privacy.resistFingerprinting": true });
});
after(async () => {
  await firefox?.close();
  await chromium?.close();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// ways are the browsers and widths in which the journey is made.
const ways = {
  "Chromium, 1280 px": () => Chromium.open(chromium),
  "Chromium, 320 px": () => Chromium.open(chromium, { width: 320, height: 640 }),
  "Firefox, 1280 px": () => firefox.zoom(1),
  "Firefox, 320 px": () => firefox.zoom(4),
};

for (const [way, start] of Object.entries(ways)) {
  test(`from a report to a reply that is read: ${way}`, async (t) => {
    const engine = await start();
    t.after(() => { if (engine !== firefox) return engine.close(); });
    const person = new Person(engine);
    const title = `Jalan baru di Desa Contoh retak (${way})`;
    let code;
    // A step that fails leaves the next ones nothing to go on with.
    const step = async (what, act) => {
      let failed;
      await t.test(what, () => act().catch((error) => { failed = error; throw error; }));
      if (failed) throw new Error(`cannot go on: ${what}`);
    };

    await step("the reporter sends a report with a file and tries the code", async () => {
      code = await report(person, title);
      assert.equal(code.length, 10);
      assert.deepEqual(await engine.cookies(), [], "the reporter's pages set no cookie");
    });
    await step("an investigator unlocks the desk and opens it", async () => {
      await unlock(person);
      assert.match(await person.heading(), /^Kotak masuk: \d+ perlu tindakan$/);
      await person.click(title);
      const text = await person.text();
      assert.match(text, /Aspalnya setipis kertas\./);
      assert.match(text, /Kepala Bidang Contoh/);
    });
    await step("the investigator downloads the file as it was", async () => {
      assert.match(await person.text(), /foto papan proyek\.jpg/);
      await person.click("Unduh berkas asli lampiran 1");
      assert.match(await person.text(), /dapat merusak komputer/);
      const file = await person.download("Unduh berkas asli");
      assert.equal(file.name, "lampiran-1.bin");
      assert.ok(file.bytes.equals(photo.bytes), "other bytes than were sent");
      await person.click("Batal");
    });
    await step("the investigator answers", async () => {
      await person.click("Tulis balasan untuk pelapor");
      await person.fill("Balasan untuk pelapor", "Terima kasih. Di kilometer berapa jalan itu retak?");
      await person.click("Lanjut: periksa balasan");
      await person.click("Kembali dan ubah");
      assert.equal(await person.value("Balasan untuk pelapor"), "Terima kasih. Di kilometer berapa jalan itu retak?");
      await person.click("Lanjut: periksa balasan");
      await person.click("Kirim ke pelapor");
      assert.match(await person.text(), /Balasan terkirim ke pelapor\./);
    });
    await step("the investigator changes the status", async () => {
      await person.click("Ubah status");
      await person.choose("Sedang diverifikasi");
      await person.click("Lanjut: periksa status");
      await person.click("Kirim ke pelapor");
      assert.match(await person.text(), /Status berubah\. Pelapor melihatnya dengan kode\./);
      await person.click("Kunci meja");
      assert.equal(await person.heading(), "Meja terkunci");
    });
    await step("the reporter reads the answer and replies with a file", async () => {
      await openReport(person, code);
      assert.equal(await person.heading(), "Status: Sedang diverifikasi");
      assert.match(await person.text(), /Di kilometer berapa jalan itu retak\?/);
      assert.doesNotMatch(await person.text(), /Aspalnya/, "the code opens the answers, never the report");
      await person.fill("Balasan Anda", "Di kilometer tiga, dekat jembatan.");
      await person.attach("Pilih berkas", paper.path);
      await person.click("Kirim balasan");
      assert.match(await person.text(), /Balasan terkirim\./);
      await person.click("Tutup laporan");
      assert.equal(await person.url(), demo.intake);
    });
    await step("the desk has the reply and its file", async () => {
      await unlock(person);
      await person.click(title);
      const text = await person.text();
      assert.match(text, /Di kilometer tiga, dekat jembatan\./);
      // Within a day the vault keeps no order, so the number is read from the page.
      const [, number] = text.match(/(\d)\. kuitansi\.pdf/);
      await person.click(`Unduh berkas asli lampiran ${number}`);
      const file = await person.download("Unduh berkas asli");
      assert.ok(file.bytes.equals(paper.bytes), "other bytes than were sent");
      await person.click("Kunci meja");
      assert.deepEqual(await engine.cookies(), [], "a locked desk keeps no cookie");
    });
  });
}

async function report(person, title) {
  await person.open(demo.intake);
  await person.click("Buat laporan");
  await person.click("Lanjut: tulis laporan");
  await person.choose("Tidak. Inspektorat Provinsi yang membaca");
  await person.fill("Apa yang terjadi?", `${title}\nAspalnya setipis kertas.`);
  await person.fill("Siapa yang dilaporkan?", "Kepala Bidang Contoh");
  await person.choose("Pengadaan barang atau jasa");
  await person.click("Lanjut: periksa laporan");
  assert.match(await person.text(), /Aspalnya setipis kertas\./);
  await person.attach("Pilih berkas", photo.path);
  await person.click("Kirim laporan sekarang");
  assert.equal(await person.heading(), "Laporan diterima. Catat kode ini");
  assert.equal(await person.title(), "Catatan");
  const code = await codeOf(person);
  await person.click("Coba kode saya");
  assert.ok(!(await person.text()).includes(code.slice(0, 2).join(" ")), "the code is not shown while it is tried");
  await person.fill("Kode laporan", code.join(" "));
  await person.click("Coba kode");
  assert.match(await person.text(), /Kode benar\. Simpan kertas itu di tempat aman\./);
  await person.click("Selesai");
  assert.equal(await person.url(), demo.intake);
  return code;
}

// The first four letters of each word are enough, in any writing.
async function openReport(person, code) {
  await person.open(demo.intake);
  await person.click("Cek laporan dengan kode");
  await person.fill("Kode laporan", code.map((word) => word.slice(0, 4)).join("  ").toUpperCase());
  await person.click("Buka laporan");
}

async function unlock(person) {
  const member = demo.members.find((m) => m.id === "penelaah-satu");
  await person.open(demo.desk);
  await person.select("Nama Anda", member.name);
  await person.fill("Kata sandi", member.passphrase);
  await person.click("Buka kunci");
}
