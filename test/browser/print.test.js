// The card with the code: printed from the browser's menu it is one page with ten words
// and nothing that tells what they are for.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { Person } from "./lib/person.js";
import { codeOf } from "./tours/intake.js";

let demo, browser, person;
before(async () => {
  demo = await startDemo();
  browser = await launch();
  person = new Person(await Chromium.open(browser));
});
after(async () => { await browser?.close(); await demo?.stop(); });

for (const [language, path, own, say, check, send] of [
  ["id", "", "Tidak. Inspektorat Provinsi", "Apa yang terjadi?", "Lanjut: periksa laporan", "Kirim laporan sekarang"],
  ["en", "en/", "No. Provincial Inspectorate", "What happened?", "Continue: check your report", "Send the report now"],
]) {
  test(`a printed code tells nothing but its words, ${language}`, async () => {
    await person.open(demo.intake + path + "lapor/tulis");
    await person.choose(own);
    await person.fill(say, "Papan proyek tanpa angka");
    await person.click(check);
    await person.click(send);
    const code = await codeOf(person);
    for (const format of ["A4", "A5"]) {
      const pdf = await person.engine.page.pdf({ format });
      const text = execFileSync("pdftotext", ["-", "-"], { input: pdf, encoding: "utf8" });
      const words = text.replaceAll(/\b\d{1,2}\./g, " ").replaceAll("\f", " ").trim().split(/\s+/);
      assert.deepEqual(words.sort(), [...code].sort(), format);
      assert.equal(text.split("\f").length - 1, 1, `pages of ${format}`);
      assert.match(execFileSync("pdfinfo", ["-"], { input: pdf, encoding: "utf8" }), /^Title: +(Catatan|Note)$/m);
    }
  });
}
