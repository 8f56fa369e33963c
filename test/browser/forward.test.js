// What is no suspicion goes on to the main queue: sorted, masked and read by two members,
// sent, and followed; in Chromium without JavaScript, by mouse at 320 px and with the
// keyboard alone at 1280 px.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { Keyboard, focused } from "./lib/keyboard.js";
import { Person, until } from "./lib/person.js";

let demo, browser;
before(async () => {
  demo = await startDemo();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

// report sends a complaint, by mouse.
async function report(person, what) {
  await person.open(demo.intake + "lapor/tulis");
  await person.choose("Tidak. ");
  await person.fill("Apa yang terjadi?", what);
  await person.fill("Siapa yang dilaporkan?", "Pak Budi Santoso, petugas pasar");
  await person.click("Lanjut: periksa laporan");
  await person.click("Kirim laporan sekarang");
}

// spooled is what came to the folder that is the demo's queue.
function spooled() {
  const all = [];
  const walk = (dir) => {
    for (const e of readdirSync(dir, { withFileTypes: true })) {
      if (e.isDirectory()) walk(join(dir, e.name));
      else if (e.name.endsWith(".json")) all.push(readFileSync(join(dir, e.name), "utf8"));
    }
  };
  walk(join(demo.dir, "antrean"));
  return all;
}

test("a complaint is sorted, masked, approved by another and sent, by mouse at 320 px", async (t) => {
  const engine = await Chromium.open(browser, { width: 320, height: 640 });
  t.after(() => engine.close());
  const person = new Person(engine);
  const unlock = async (id) => {
    const member = demo.members.find((m) => m.id === id);
    await person.open(demo.desk);
    await person.select("Nama Anda", member.name);
    await person.fill("Kata sandi", member.passphrase);
    await person.click("Buka kunci");
  };
  await report(person, "Selokan pasar tersumbat. Hubungi Pak Budi Santoso, 0812-5000-1234, di gudang hijau.");
  await unlock("penelaah-dua");
  await person.click("Selokan pasar tersumbat");
  await person.click("Pilah kasus");
  await person.choose("Tidak berkadar pengawasan");
  await person.click("Simpan");
  await person.click("Samarkan dan teruskan");
  assert.equal(await person.heading(), "Periksa teks yang akan diteruskan");
  await person.fill("Kata yang disamarkan", "gudang hijau");
  await person.select("Ganti dengan", "Alamat");
  await person.click("Perbarui penyamaran");
  assert.match(await person.text(), /Hubungi Pak \[NAMA\], \[TELEPON\], di \[ALAMAT\]\./);
  await person.fill("Judul", "Selokan pasar tersumbat");
  await person.click("Lanjut: periksa sekali lagi");
  assert.doesNotMatch(await person.text(), /Santoso|0812|gudang/);
  await person.click("Simpan dan minta persetujuan");
  assert.match(await person.text(), /Anggota lain harus menyetujuinya sebelum dikirim\./);
  await person.click("Kunci meja");

  await unlock("penelaah-satu");
  await person.click("Selokan pasar tersumbat");
  await person.click("Periksa dan setujui");
  await person.click("Setujui dan kirim");
  assert.match(await person.text(), /Disetujui oleh\s+Penelaah Satu/);
  const at = (await person.url()).split("?")[0];
  await until("it to be sent", async () => {
    await person.open(at);
    return /^Terkirim$/m.test(await person.text());
  });
  const sent = spooled().filter((text) => text.includes("Selokan pasar tersumbat"));
  assert.ok(sent.length > 0, "nothing came to the queue");
  for (const text of sent) {
    assert.match(text, /Hubungi Pak \[NAMA\], \[TELEPON\], di \[ALAMAT\]\./);
    assert.doesNotMatch(text, /Santoso|0812|gudang|K-[A-Z2-7]{4}-/);
  }
  await person.click("Penerusan");
  assert.match(await person.text(), /Selokan pasar tersumbat/);
});

test("the same with the keyboard alone", async (t) => {
  const engine = await Chromium.open(browser);
  t.after(() => engine.close());
  const person = new Person(engine);
  const keys = new Keyboard(person, { most: 120 });
  const unlock = async (id) => {
    const member = demo.members.find((m) => m.id === id);
    await person.open(demo.desk);
    await keys.type("Nama Anda", member.name);
    await keys.type("Kata sandi", member.passphrase);
    await person.load(() => person.press("Enter"));
  };
  await report(person, "Jam buka perpustakaan tidak tertulis. Tanya Bu Rahmawati di meja depan.");
  await unlock("penelaah-dua");
  await keys.enter("Jam buka perpustakaan");
  await keys.enter("Pilah kasus");
  await keys.enter("Simpan");
  await until(`the focus to be on ${/^Ada masalah/}`, async () => /^Ada masalah/.test(await person.evaluate(focused)));
  await keys.tabTo("Pilih golongan");
  await person.press("Enter");
  await keys.tabTo("Berkadar pengawasan");
  await person.press("ArrowDown");
  assert.equal(await person.chosen("Tidak berkadar pengawasan"), true);
  await keys.enter("Simpan");
  await until(`the focus to be on ${/^Kasus sudah dipilah\./}`, async () => /^Kasus sudah dipilah\./.test(await person.evaluate(focused)));

  // One mask is taken back, and taken up again.
  await keys.enter("Samarkan dan teruskan");
  await keys.tick("1. Rahmawati");
  await keys.enter("Perbarui penyamaran");
  assert.match(await person.text(), /Tanya Bu Rahmawati di meja depan\./);
  await keys.tick("1. Rahmawati");
  await keys.type("Kata yang disamarkan", "meja depan");
  await person.load(() => person.press("Enter"));
  assert.match(await person.text(), /Tanya Bu \[NAMA\] di \[NAMA\]\./);
  await keys.enter("Lanjut: periksa sekali lagi");
  await keys.enter("Simpan dan minta persetujuan");
  await until(`the focus to be on ${/^Teks tersimpan\./}`, async () => /^Teks tersimpan\./.test(await person.evaluate(focused)));
  await keys.enter("Kunci meja");

  // The approver wants it otherwise first.
  await unlock("penelaah-satu");
  await keys.enter("Penerusan");
  await keys.enter("Periksa dan setujui Jam buka perpustakaan");
  await keys.type("Apa yang harus diubah?", "Sebutkan kotanya.");
  await keys.enter("Kembalikan untuk diubah");
  await until(`the focus to be on ${/^Teks dikembalikan/}`, async () => /^Teks dikembalikan/.test(await person.evaluate(focused)));
  await keys.enter("Kunci meja");
  await unlock("penelaah-dua");
  await keys.enter("Penerusan");
  await keys.enter("Siapkan teks baru Jam buka perpustakaan");
  assert.match(await person.text(), /Sebutkan kotanya\./);
  await keys.type("Judul", " di Kota Contoh");
  await keys.enter("Lanjut: periksa sekali lagi");
  await keys.enter("Simpan dan minta persetujuan");
  await keys.enter("Kunci meja");
  await unlock("penelaah-satu");
  await keys.enter("Penerusan");
  await keys.enter("Periksa dan setujui Jam buka perpustakaan");
  await keys.enter("Setujui dan kirim");
  await until(`the focus to be on ${/^Disetujui\./}`, async () => /^Disetujui\./.test(await person.evaluate(focused)));
});
