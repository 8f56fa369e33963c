// Nothing typed is lost and nothing is sent twice: Back, "Kembali dan ubah", a page
// loaded anew, another language, "Keluar cepat". In Chromium and Firefox without JavaScript.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo, startIntake } from "./lib/demo.js";
import { Firefox } from "./lib/firefox.js";
import { Person } from "./lib/person.js";
import { codeOf } from "./tours/intake.js";

const engines = {
  Chromium: async () => {
    const browser = await launch();
    const engine = await Chromium.open(browser);
    return { engine, close: () => browser.close() };
  },
  Firefox: async () => {
    const engine = await Firefox.launch({ "svg.disabled": true });
    return { engine, close: () => engine.close() };
  },
};

for (const [name, start] of Object.entries(engines)) {
  describe(name, () => {
    let demo, intake, weather, person, close;
    before(async () => {
      // Where "Keluar cepat" leads: a site of ours instead of one of the world.
      weather = createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>Cuaca</title><h1>Cuaca</h1>"));
      weather.listen(0, "127.0.0.1");
      await once(weather, "listening");
      demo = await startDemo();
      intake = await startIntake(demo, "--exit-url", `http://127.0.0.1:${weather.address().port}/`);
      let engine;
      ({ engine, close } = await start());
      person = new Person(engine);
    });
    after(async () => {
      await close?.();
      await intake?.stop();
      await demo?.stop();
      weather?.close();
      weather?.closeAllConnections();
    });

    const typed = "Aspal setipis kertas <b>di desa</b>\nbaris kedua";
    async function write() {
      await person.open(intake.url + "lapor/tulis");
      await person.choose("Tidak. Inspektorat Provinsi");
      await person.fill("Apa yang terjadi?", typed);
      await person.fill("Perkiraan kerugian", "2,5 juta");
      await person.choose("Suap");
      await person.choose("Jangan teruskan ke antrean umum");
    }
    async function kept(en = false) {
      assert.equal(await person.value(en ? "What happened?" : "Apa yang terjadi?"), typed);
      assert.equal(await person.value(en ? "Estimated loss" : "Perkiraan kerugian"), "2,5 juta");
      assert.equal(await person.chosen(en ? "Bribery" : "Suap"), true);
      assert.equal(await person.chosen(en ? "Do not forward to the public queue" : "Jangan teruskan ke antrean umum"), true);
      assert.equal(await person.chosen(en ? "No. Provincial" : "Tidak. Inspektorat Provinsi"), true);
    }

    test("Back from the check page shows what was typed", async () => {
      await write();
      await person.click("Lanjut: periksa laporan");
      assert.match(await person.text(), /Aspal setipis kertas <b>di desa<\/b>/);
      await person.back();
      assert.equal(await person.heading(), "Tulis laporan Anda");
      await kept();
    });

    test("Kembali dan ubah shows what was typed, again and again", async () => {
      await write();
      for (let i = 0; i < 2; i++) {
        await person.click("Lanjut: periksa laporan");
        await person.click("Kembali dan ubah");
        await kept();
      }
    });

    test("another language keeps what was typed, on each page", async () => {
      await write();
      await person.click("English");
      assert.equal(await person.heading(), "Write your report");
      await kept(true);
      await person.click("Continue: check your report");
      await person.click("Bahasa Indonesia");
      await person.click("Kembali dan ubah");
      await kept();
    });

    test("a page loaded anew gives the same code and no second report", async () => {
      await write();
      await person.click("Lanjut: periksa laporan");
      await person.click("Kirim laporan sekarang");
      const code = await codeOf(person);
      assert.doesNotMatch(await person.text(), /sudah kami terima sebelumnya/);
      await person.reload();
      assert.deepEqual(await codeOf(person), code);
      assert.match(await person.text(), /Laporan ini sudah kami terima sebelumnya\./);
    });

    test("after Keluar cepat, Back does not show what a code has opened", async () => {
      const [code] = demo.codes;
      await person.open(intake.url + "cek");
      await person.fill("Kode laporan", code);
      await person.click("Buka laporan");
      const secret = "Di desa mana foto";
      assert.match(await person.text(), /Apakah Anda tahu di desa mana foto/);
      await person.click("Keluar cepat");
      assert.equal(await person.heading(), "Cuaca");
      await person.engine.back().catch(() => {}); // both browsers show an error page instead
      const shown = await person.text().catch(() => "");
      assert.ok(!shown.toLowerCase().includes(secret.toLowerCase()), shown);
      assert.ok(!shown.includes(code.split(" ").slice(0, 2).join(" ")));
    });
  });
}
