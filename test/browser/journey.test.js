// The main job, as people do it: a report with a file, ten words on paper, the desk, an
// answer, the answer read, a reply with a file. Without JavaScript and with it, in Chromium
// and in Firefox, in a wide window and at 320 px (Firefox: 1280 px at 400 %).
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { heading, kept, sealed } from "./lib/device.js";
import { Firefox } from "./lib/firefox.js";
import { Person, until } from "./lib/person.js";
import { startProxy } from "./lib/proxy.js";
import { codeOf } from "./tours/intake.js";

let demo, proxy, chromium, firefox, scripted, folder, photo, paper;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-files-"));
  photo = { path: join(folder, "foto papan proyek.jpg"), bytes: randomBytes(300_000) };
  paper = { path: join(folder, "kuitansi.pdf"), bytes: randomBytes(5_000) };
  for (const { path, bytes } of [photo, paper]) writeFileSync(path, bytes);
  demo = await startDemo();
  proxy = await startProxy(demo.intake);
  proxy.record = true;
  chromium = await launch();
  const safest = { "svg.disabled": true, "privacy.resistFingerprinting": true };
  firefox = await Firefox.launch(safest);
  scripted = await Firefox.launch({ ...safest, "javascript.enabled": true });
});
after(async () => {
  await firefox?.close();
  await scripted?.close();
  await chromium?.close();
  proxy?.stop();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// ways are the browsers and widths in which the journey is made.
const ways = {
  "Chromium, 1280 px": () => Chromium.open(chromium),
  "Chromium, 320 px": () => Chromium.open(chromium, { width: 320, height: 640 }),
  "Firefox, 1280 px": () => firefox.zoom(1),
  "Firefox, 320 px": () => firefox.zoom(4),
  "Chromium with script, 1280 px": () => Chromium.open(chromium, { javaScriptEnabled: true }),
  "Chromium with script, 320 px": () => Chromium.open(chromium, { javaScriptEnabled: true, width: 320, height: 640 }),
  "Firefox with script, 1280 px": () => scripted.zoom(1),
  "Firefox with script, 320 px": () => scripted.zoom(4),
};

for (const [way, start] of Object.entries(ways)) {
  test(`from a report to a reply that is read: ${way}`, async (t) => {
    const engine = await start();
    t.after(() => { if (engine !== firefox && engine !== scripted) return engine.close(); });
    const person = new Person(engine);
    const script = way.includes("with script");
    const at = { intake: script ? proxy.url : demo.intake, script };
    const title = `Jalan baru di Desa Contoh retak (${way})`;
    let code;
    // A step that fails leaves the next ones nothing to go on with.
    const step = async (what, act) => {
      let failed;
      await t.test(what, () => act().catch((error) => { failed = error; throw error; }));
      if (failed) throw new Error(`cannot go on: ${what}`);
    };

    await step("the reporter sends a report with a file and tries the code", async () => {
      code = await report(person, at, title);
      assert.equal(code.length, 10);
      assert.deepEqual(await engine.cookies(), [], "the reporter's pages set no cookie");
    });
    await step("an investigator unlocks the desk and opens it", async () => {
      await unlock(person);
      assert.match(await person.heading(), /^Kotak masuk: \d+ perlu tindakan$/);
      await deadlinesInSight(person, { named: way.includes("320 px") });
      // Of Chromium lib/look.js knows.
      if (engine.roles) assert.deepEqual(await engine.roles("tbody tr:first-child, tbody tr:first-child > *"), ["row", "rowheader", "cell", "cell", "cell", "cell", "cell"]);
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
      await openReport(person, at, code);
      assert.equal(await person.heading(), "Status: Sedang diverifikasi");
      assert.match(await person.text(), /Di kilometer berapa jalan itu retak\?/);
      assert.doesNotMatch(await person.text(), /Aspalnya/, "the code opens the answers, never the report");
      await person.fill("Balasan Anda", "Di kilometer tiga, dekat jembatan.");
      await person.attach("Pilih berkas", paper.path);
      await person.click("Kirim balasan");
      await until("the reply to be sent", async () => (await person.text()).includes("Balasan terkirim."));
      await person.click("Tutup laporan");
      assert.equal(await person.url(), at.intake);
    });
    await step("the reporter deletes the answer from the server", async () => {
      await openReport(person, at, code);
      await until("the answer to be shown", async () => (await person.text()).includes("Di kilometer berapa"));
      await person.fill("Balasan Anda", "Belum selesai");
      await person.click("Hapus balasan ini dari server");
      assert.equal(await person.heading(), "Hapus balasan ini dari server?");
      assert.match(await person.text(), /Di kilometer berapa jalan itu retak\?/);
      await person.click("Ya, hapus balasan ini");
      await until("the answer to be gone", async () => (await person.text()).includes("Balasan itu sudah dihapus dari server."));
      const text = await person.text();
      assert.match(text, /Balasan ini sudah Anda hapus dari server pada /);
      assert.doesNotMatch(text, /Di kilometer berapa/);
      assert.equal(await person.heading(), "Status: Sedang diverifikasi", "the status was in another answer");
      assert.equal(await person.value("Balasan Anda"), "Belum selesai", "a reply that was begun is kept");
      await person.fill("Balasan Anda", "");
      await person.click("Tutup laporan");
      await openReport(person, at, code);
      assert.match(await person.text(), /Balasan ini sudah Anda hapus dari server pada /);
    });
    await step("the desk has the reply and its file, and its own copy of the answer", async () => {
      await unlock(person);
      await person.click(title);
      const text = await person.text();
      assert.match(text, /Di kilometer berapa jalan itu retak\?\s+Pelapor menghapus balasan ini dari server pada /);
      assert.match(text, /Di kilometer tiga, dekat jembatan\./);
      // Within a day the vault keeps no order, so the number is read from the page.
      const [, number] = text.match(/(\d)\. kuitansi\.pdf/);
      await person.click(`Unduh berkas asli lampiran ${number}`);
      const file = await person.download("Unduh berkas asli");
      assert.ok(file.bytes.equals(paper.bytes), "other bytes than were sent");
      await person.click("Kunci meja");
      assert.deepEqual(await engine.cookies(), [], "a locked desk keeps no cookie");
    });
    if (!script) return;
    await step("nothing of it was seen on the way, or is kept in the browser", async () => {
      const sent = proxy.sent();
      assert.ok(sent.length > photo.bytes.length + paper.bytes.length, "the files did not come this way");
      const texts = [title, "Aspalnya", "Kepala Bidang Contoh", "kilometer tiga", "foto papan proyek", "kuitansi", "pengadaan", code.slice(0, 2).join(" ")];
      const secrets = [...texts.flatMap((t) => [t, encodeURIComponent(t), Buffer.from(t, "utf16le"), Buffer.from(t).toString("base64").slice(0, -4)]),
        photo.bytes.subarray(1000, 1032), paper.bytes.subarray(1000, 1032), ...code.map((word) => ` ${word} `)];
      for (const secret of secrets) assert.ok(!sent.includes(secret), `“${secret}” was sent in the clear`);
      assert.deepEqual(await person.evaluate(kept), []);
    });
  });
}

// deadlinesInSight: whoever scrolls down through the inbox, and never sideways, comes by the
// deadline of each case, with nothing over it; named: behind the name of its column.
async function deadlinesInSight(person, { named }) {
  const { cases, hidden } = await person.evaluate((named) => {
    const [table] = document.getElementsByTagName("table");
    const column = [...table.tHead.rows[0].cells].findIndex((th) => th.textContent === "Tenggat");
    const cells = [...table.tBodies[0].rows].map((row) => row.cells[column]);
    const seen = (cell) => {
      scrollTo(0, scrollY + cell.getBoundingClientRect().top - innerHeight / 2);
      const text = document.createRange();
      text.selectNodeContents(cell);
      return [...text.getClientRects()].every(({ left, right, top, bottom }) =>
        left >= 0 && right <= innerWidth && cell.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2)));
    };
    const hidden = cells.filter((cell) => !seen(cell) || named !== (getComputedStyle(cell, "::before").content !== "none"));
    scrollTo(0, 0);
    return { cases: cells.length, hidden: hidden.map((cell) => cell.outerHTML) };
  }, named);
  assert.ok(cases > 5, `${cases} cases`);
  assert.deepEqual(hidden, []);
}

async function report(person, { intake, script }, title) {
  await person.open(intake);
  await person.click("Buat laporan");
  await person.click("Lanjut: tulis laporan");
  if (script) await sealed(person);
  await person.choose("Tidak. Inspektorat Provinsi yang membaca");
  await person.fill("Apa yang terjadi?", `${title}\nAspalnya setipis kertas.`);
  await person.fill("Siapa yang dilaporkan?", "Kepala Bidang Contoh");
  await person.choose("Pengadaan barang atau jasa");
  await person.click("Lanjut: periksa laporan");
  assert.match(await person.text(), /Aspalnya setipis kertas\./);
  await person.attach("Pilih berkas", photo.path);
  await person.click("Kirim laporan sekarang");
  await heading(person, "Laporan diterima. Catat kode ini");
  assert.equal(await person.title(), "Catatan");
  const code = await codeOf(person);
  await person.expand("Tanda terima untuk pemeriksa (boleh dilewati)");
  const receipt = await person.download("Simpan tanda terima sebagai berkas");
  assert.equal(receipt.name, "catatan.txt", "the file's name doesn't say what it is");
  assert.match(receipt.bytes.toString(), /^suluh\.example\/receipt\/v1\nlog [^\n]+\nday [-0-9]+\ndue [-0-9]+\ndeposit [0-9a-f]{64}\n\n— [^\n]+\n$/);
  await person.click("Coba kode saya");
  assert.ok(!(await person.text()).includes(code.slice(0, 2).join(" ")), "the code is not shown while it is tried");
  await person.fill("Kode laporan", code.join(" "));
  await person.click("Coba kode");
  assert.match(await person.text(), /Kode benar\. Simpan kertas itu di tempat aman\./);
  await person.click("Selesai");
  assert.equal(await person.url(), intake);
  return code;
}

// The first four letters of each word are enough, in any writing.
async function openReport(person, { intake, script }, code) {
  await person.open(intake);
  await person.click("Cek laporan dengan kode");
  if (script) await sealed(person);
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
