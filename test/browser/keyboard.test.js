// The main job with Tab, Enter, Space and letters alone, without JavaScript and with it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { heading, sealed } from "./lib/device.js";
import { Firefox } from "./lib/firefox.js";
import { Keyboard, focused } from "./lib/keyboard.js";
import { Person, until } from "./lib/person.js";
import { codeOf } from "./tours/intake.js";

const engines = {
  Chromium: async (script) => {
    const browser = await launch();
    return { engine: await Chromium.open(browser, { javaScriptEnabled: script }), close: () => browser.close() };
  },
  Firefox: async (script) => {
    const engine = await Firefox.launch({ "svg.disabled": true, "privacy.resistFingerprinting": true, "javascript.enabled": script });
    return { engine, close: () => engine.close() };
  },
};

for (const [name, start, script] of Object.entries(engines).flatMap(([name, start]) => [[name, start, false], [`${name} with script`, start, true]])) {
  describe(name, () => {
    let demo, person, keys, close, code;
    before(async () => {
      demo = await startDemo();
      let engine;
      ({ engine, close } = await start(script));
      person = new Person(engine);
      keys = new Keyboard(person);
    });
    after(async () => { await close?.(); await demo?.stop(); });

    test("a report is sent and its code tried", async () => {
      await person.open(demo.intake);
      await keys.enter("Buat laporan");
      await keys.enter("Lanjut: tulis laporan");
      if (script) await sealed(person);
      await keys.enter("Lanjut: periksa laporan");

      // Who forgot to choose a unit lands on the summary; its link leads to the first answer.
      assert.match(await person.title(), /^Ada masalah: /);
      await until(`the focus to be on ${/^Ada masalah/}`, async () => /^Ada masalah/.test(await person.evaluate(focused)));
      await keys.tabTo("Pilih siapa yang boleh membaca");
      await person.press("Enter");
      await until("the answer to have the focus", async () => (await person.evaluate(focused)).startsWith("Tidak. "));
      await person.press("Space");
      assert.equal(await person.chosen("Tidak. "), true);
      await keys.type("Apa yang terjadi?", "Papan proyek tanpa angka");
      await keys.enter("Lanjut: periksa laporan");
      await keys.enter("Kirim laporan sekarang");
      await heading(person, "Laporan diterima. Catat kode ini");
      code = await codeOf(person);
      await keys.enter("Coba kode saya");
      await keys.type("Kode laporan", code.join(" "));
      await keys.enter("Coba kode");
      await until("the notice to have the focus", async () => (await person.evaluate(focused)).startsWith("Kode benar"));
    });

    test("the desk is unlocked, the case read and answered", async () => {
      const member = demo.members.find((m) => m.id === "penelaah-dua");
      await person.open(demo.desk);
      await keys.type("Nama Anda", member.name);
      await keys.type("Kata sandi", member.passphrase);
      await person.load(() => person.press("Enter"));
      assert.match(await person.heading(), /^Kotak masuk/);

      // The skip link is the first stop; after it comes no menu any more.
      await person.press("Tab");
      assert.equal(await person.evaluate(focused), "Langsung ke isi");
      await person.press("Enter");
      await keys.enter("Papan proyek tanpa angka");
      await keys.enter("Tulis balasan untuk pelapor");
      await keys.type("Balasan untuk pelapor", "Terima kasih.");
      await keys.enter("Lanjut: periksa balasan");
      await keys.enter("Kirim ke pelapor");
      await until(`the focus to be on ${/^Balasan terkirim ke pelapor\./}`, async () => /^Balasan terkirim ke pelapor\./.test(await person.evaluate(focused)));
    });

    test("the answer is read and replied to", async () => {
      await person.open(demo.intake);
      await keys.enter("Cek laporan dengan kode");
      if (script) await sealed(person);
      await keys.type("Kode laporan", code.join(" "));
      await keys.enter("Buka laporan");
      assert.match(await person.text(), /Terima kasih\./);
      await keys.type("Balasan Anda", "Sama-sama.");
      await keys.enter("Kirim balasan");
      await until("the reply to be sent", async () => (await person.evaluate(focused)).startsWith("Balasan terkirim."));
    });
  });
}
