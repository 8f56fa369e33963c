// The main job with Tab, Enter, Space and letters alone, without JavaScript and with it. Wherever Tab
// stops the ring is seen, lies in the window and under nothing.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { keyboardStop } from "./lib/checks.js";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { heading, sealed } from "./lib/device.js";
import { Firefox } from "./lib/firefox.js";
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

// focused is what a person would call the thing that has the focus.
function focused() {
  const e = document.activeElement;
  const label = e.labels?.[0]?.innerText ?? e.innerText ?? "";
  return label.replace(/\s+/g, " ").trim();
}

for (const [name, start, script] of Object.entries(engines).flatMap(([name, start]) => [[name, start, false], [`${name} with script`, start, true]])) {
  describe(name, () => {
    let demo, person, close, code;
    before(async () => {
      demo = await startDemo();
      let engine;
      ({ engine, close } = await start(script));
      person = new Person(engine);
    });
    after(async () => { await close?.(); await demo?.stop(); });

    async function tabTo(words) {
      for (let i = 0; i < 60; i++) {
        await person.press("Tab");
        // Behind the last stop the browser's own controls come, then the page again.
        if (await person.evaluate(() => document.activeElement === document.body)) break;
        assert.deepEqual((await person.evaluate(keyboardStop)).wrong, []);
        if ((await person.evaluate(focused)).startsWith(words)) return;
      }
      assert.fail(`Tab does not reach “${words}” on “${await person.title()}”`);
    }
    async function enter(words) {
      await tabTo(words);
      await person.load(() => person.press("Enter"));
    }
    async function type(label, text) {
      await tabTo(label);
      await person.engine.type(text);
    }

    test("a report is sent and its code tried", async () => {
      await person.open(demo.intake);
      await enter("Buat laporan");
      await enter("Lanjut: tulis laporan");
      if (script) await sealed(person);
      await enter("Lanjut: periksa laporan");

      // Who forgot to choose a unit lands on the summary; its link leads to the first answer.
      assert.match(await person.title(), /^Ada masalah: /);
      assert.match(await person.evaluate(focused), /^Ada masalah/);
      await tabTo("Pilih siapa yang boleh membaca");
      await person.press("Enter");
      await until("the answer to have the focus", async () => (await person.evaluate(focused)).startsWith("Tidak. "));
      await person.press("Space");
      assert.equal(await person.chosen("Tidak. "), true);
      await type("Apa yang terjadi?", "Papan proyek tanpa angka");
      await enter("Lanjut: periksa laporan");
      await enter("Kirim laporan sekarang");
      await heading(person, "Laporan diterima. Catat kode ini");
      code = await codeOf(person);
      await enter("Coba kode saya");
      await type("Kode laporan", code.join(" "));
      await enter("Coba kode");
      assert.match(await person.evaluate(focused), /^Kode benar/);
    });

    test("the desk is unlocked, the case read and answered", async () => {
      const member = demo.members.find((m) => m.id === "penelaah-dua");
      await person.open(demo.desk);
      await type("Nama Anda", member.name);
      await type("Kata sandi", member.passphrase);
      await person.load(() => person.press("Enter"));
      assert.match(await person.heading(), /^Kotak masuk/);

      // The skip link is the first stop; after it comes no menu any more.
      await person.press("Tab");
      assert.equal(await person.evaluate(focused), "Langsung ke isi");
      await person.press("Enter");
      await enter("Papan proyek tanpa angka");
      await enter("Tulis balasan untuk pelapor");
      await type("Balasan untuk pelapor", "Terima kasih.");
      await enter("Lanjut: periksa balasan");
      await enter("Kirim ke pelapor");
      assert.match(await person.evaluate(focused), /^Balasan terkirim ke pelapor\./);
    });

    test("the answer is read and replied to", async () => {
      await person.open(demo.intake);
      await enter("Cek laporan dengan kode");
      if (script) await sealed(person);
      await type("Kode laporan", code.join(" "));
      await enter("Buka laporan");
      assert.match(await person.text(), /Terima kasih\./);
      await type("Balasan Anda", "Sama-sama.");
      await enter("Kirim balasan");
      await until("the reply to be sent", async () => (await person.evaluate(focused)).startsWith("Balasan terkirim."));
    });
  });
}
