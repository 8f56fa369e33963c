// Every page that the script makes, in one language: accessible in light and dark, valid,
// narrow, large, in forced colours, by keyboard, and as a screen reader has it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./chromium.js";
import { startDemo } from "./demo.js";
import { heading, openSealed } from "./device.js";
import { Look } from "./look.js";
import { Person, until } from "./person.js";
import { startProxy } from "./proxy.js";
import { forwarded, link, tracking } from "./queue.js";
import { words } from "./words.js";
import { codeOf } from "../tours/intake.js";

const vectors = JSON.parse(readFileSync(new URL("../../../crypto/casecode/testdata/vectors.json", import.meta.url), "utf8"));
const stranger = vectors.at(-1).words;
const beginning = (message) => message.split("{{")[0].trim();

export function devicePages(language) {
  const w = words(language);
  const path = language === "id" ? "" : `${language}/`;
  let demo, browser, folder, proxy, pdf, large;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "suluh-files-"));
    pdf = join(folder, "kuitansi.pdf");
    large = join(folder, "rekaman.mp3");
    writeFileSync(pdf, "%PDF-1.4\n1 0 obj <</Author (Nama Contoh) /Producer (Program Contoh)>> endobj\ntrailer <</Info 1 0 R>>\n%%EOF\n");
    writeFileSync(large, Buffer.alloc(3 << 20, "ID3"));
    demo = await startDemo();
    proxy = await startProxy(demo.intake);
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    proxy?.stop();
    await demo?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const tour = (surface, act) => test(`every page of ${surface}, ${language}`, async (t) => {
    const engine = await Chromium.open(browser, { javaScriptEnabled: true, colorScheme: "light" });
    t.after(() => engine.close());
    const person = new Person(engine);
    const look = new Look(t, person, { language, surface, script: true });
    await act(look, person, engine.page);
    look.writeIncomplete();
  });
  const problem = { focus: w("page.problem.title") };

  tour("device-report", async (look, person, page) => {
    await openSealed(person, proxy.url + path + "lapor/tulis", language);
    await look.at("write");
    await person.click(w("intake.write.next"));
    await look.at("write/unit-missing", problem);
    await person.choose(beginning(w("intake.unit.own")));
    await person.fill(w("intake.field.siapa"), "Kepala Seksi Contoh, 081234567890");
    await person.click(w("intake.write.next"));
    await person.click(w("intake.check.back"));
    await person.fill(w("intake.field.siapa"), "");
    await person.click(w("intake.write.next"));
    await look.at("check/empty", { focus: w("intake.check.title") });
    await person.click(w("intake.check.send"));
    await look.at("check/nothing", problem);
    await person.attach(w("intake.file"), [pdf, large]);
    await until("the files to be looked at", async () => (await person.text()).includes("Nama Contoh"));
    await look.at("check/files");

    // While a piece of a file is on its way for ever.
    await page.route("**/deposit/v1/files/*", () => {});
    await person.click(w("intake.check.send"));
    await heading(person, w("intake.device.send.title"));
    await until("something to be under way", async () => (await person.text()).includes(" MB"));
    await look.at("sending", { focus: w("intake.device.send.title") });
    await person.click(w("intake.device.cancel"));
    await look.at("check/cancelled", { focus: w("intake.device.cancelled") });
    await page.unroute("**/deposit/v1/files/*");
    proxy.leave();
    await person.click(w("intake.check.send"));
    await until("the connection to be given up", () => person.has("button", w("intake.device.resume")));
    await look.at("sending/stopped", { focus: beginning(w("intake.device.stopped")).slice(0, 20) });
    proxy.come();
    await person.click(w("intake.device.resume"));
    await heading(person, w("intake.code.title"));
    const code = look.secret = await codeOf(person);
    await look.at("code", { focus: w("intake.code.title") });
    await person.click(w("intake.code.try"));
    await look.at("try", { focus: w("intake.try.title") });
    await person.fill(w("intake.open.label"), [...code.slice(0, 3), ...stranger.split(" ").slice(3, 4), ...code.slice(4)].join(" "));
    await person.click(w("intake.try.button"));
    await look.at("try/wrong", problem);
    await person.click(w("intake.try.show"));
    await look.at("code/again");
    await person.click(w("intake.code.try"));
    await person.fill(w("intake.open.label"), code.join(" "));
    await person.click(w("intake.try.button"));
    await look.at("tried", { focus: w("intake.try.right") });
  });

  tour("device-case", async (look, person) => {
    const code = look.secret = demo.codes[0].split(" ");
    await openSealed(person, demo.intake + path + "cek", language);
    await look.at("open");
    for (const [name, text] of [["empty", ""], ["count", code.slice(1).join(" ")], ["word", ["zzzzzz", ...code.slice(1)].join(" ")], ["unknown", stranger]]) {
      await person.fill(w("intake.open.label"), text);
      await person.click(w("intake.open.button"));
      await look.at(`open/${name}`, problem);
    }
    await person.fill(w("intake.open.label"), [code[0].slice(0, -1) + "q", ...code.slice(1)].join(" "));
    await person.click(w("intake.open.button"));
    await look.at("status", { focus: beginning(w("intake.open.corrected")) });
    await person.click(w("intake.status.send"));
    await look.at("status/nothing", problem);
    await person.fill(w("intake.status.text"), "Di Desa Contoh.");
    await person.attach(w("intake.file"), pdf);
    await person.click(w("intake.status.send"));
    await until("the reply to be sent", async () => (await person.text()).includes(w("intake.status.sent")));
    await look.at("status/sent", { focus: w("intake.status.sent") });
    await person.click(w("intake.destroy.button"));
    await look.at("destroy", { focus: w("intake.destroy.title") });
    await person.click(w("intake.destroy.yes"));
    await look.at("status/destroyed", { focus: w("intake.destroy.done") });
  });

  // A report that went to the main queue: its number and link are text, and the days are the queue's.
  tour("device-forwarded", async (look, person, page) => {
    const code = await forwarded(demo);
    look.secret = code.split(" ");
    await openSealed(person, demo.intake + path + "cek", language);
    await person.fill(w("intake.open.label"), code);
    await person.click(w("intake.open.button"));
    await heading(person, w("intake.status.title").replace("{{.Status}}", w("status.forwarded")));
    await look.at("status");
    const text = await person.text();
    for (const part of [tracking, link, ...(language === "id" ? ["3 hari kerja", "5 hari kerja", "14 hari kerja"] : ["3 working days", "within 5", "within 14"])]) {
      if (!text.includes(part)) throw new Error(`no “${part}” in ${text}`);
    }
    if (await page.evaluate(() => document.querySelector('main a[href^="http"]'))) throw new Error("a link leads out of the page");
  });

  // Cards of other cases, as somebody who has the vault could put them there.
  tour("device-tampered", async (look, person) => {
    execFileSync("sqlite3", [join(demo.dir, "vault/vault.db"), ".timeout 10000", "UPDATE objects SET case_id = (SELECT min(case_id) FROM cases) WHERE role = 'card'"]);
    await openSealed(person, demo.intake + path + "cek", language);
    await person.fill(w("intake.open.label"), demo.codes[0]);
    await person.click(w("intake.open.button"));
    await look.at("tampered", { focus: w("intake.tampered.title") });
  });

  // Another list of readers than the one that the root key has signed.
  tour("device-distrust", async (look, person, page) => {
    await page.route("**/deposit/v1/roster/proof", async (route) => {
      const response = await route.fetch();
      const proof = await response.json();
      await route.fulfill({ response, json: { ...proof, roster: proof.roster.replace("Penelaah Satu", "Penelaah Lain") } });
    });
    await person.open(demo.intake + path + "lapor/tulis");
    await until("the warning", async () => (await person.text()).includes(w("intake.device.distrust")));
    await look.at("write", { focus: w("intake.device.roster-signature") });
    await person.choose(beginning(w("intake.unit.own")));
    await person.click(w("intake.write.next"));
    await look.at("write/again", { focus: w("intake.device.distrust") });
  });
}
