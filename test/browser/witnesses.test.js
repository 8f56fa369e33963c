// A roster that names witnesses of the access log, where a script seals reports: while they
// have not confirmed the log the reporter is told and goes on as she likes; a log that is
// another than they have seen is said to be that, and nothing is sent.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { binary, startDemo } from "./lib/demo.js";
import { heading, openSealed } from "./lib/device.js";
import { Firefox } from "./lib/firefox.js";
import { Look } from "./lib/look.js";
import { Person, until } from "./lib/person.js";
import { startProxy } from "./lib/proxy.js";
import { anotherLog, askWitnesses, nameWitnesses, signRoster } from "./lib/witnesses.js";
import { words } from "./lib/words.js";
import { codeOf } from "./tours/intake.js";

const typed = "Aspal setipis kertas di Desa Contoh";
const beginning = (message) => message.split("{{")[0].trim();

let demo, stopWitnesses, proxy, browser;
before(async () => {
  demo = await startDemo();
  stopWitnesses = await nameWitnesses(demo);
  proxy = await startProxy(demo.intake);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  proxy?.stop();
  await stopWitnesses?.();
  await demo?.stop();
});

/** What is announced of witnesses, and what is said of them before something is sent. */
const announced = (person) => person.evaluate(() => {
  const e = document.querySelector("#belum");
  return e.role === "status" && e.getClientRects().length > 0 ? e.innerText : "";
});
const warned = async (person, w) => (await person.text()).includes(w("reporter.unwitnessed"));

async function start(t, language = "id", surface = "") {
  const engine = await Chromium.open(browser, { javaScriptEnabled: true, colorScheme: "light" });
  t.after(() => engine.close());
  const person = new Person(engine);
  const w = words(language);
  const path = proxy.url + (language === "id" ? "" : `${language}/`);
  return { person, page: engine.page, w, path, look: new Look(t, person, { language, surface, script: true }) };
}

async function write(person, w) {
  await person.choose(beginning(w("intake.unit.own")));
  await person.fill(w("intake.field.apa"), typed);
}

describe("before witnesses have confirmed the log", () => {
  for (const language of ["id", "en"]) {
    test(`the reporter is told, and what she sends and asks for comes: ${language}`, async (t) => {
      const { person, look, w, path } = await start(t, language, "device-witnesses");
      await openSealed(person, `${path}lapor/tulis`, language);
      assert.equal(await announced(person), w("reporter.unwitnessed"));
      await look.at("write");
      await write(person, w);
      await person.click(w("intake.write.next"));
      assert.ok(await warned(person, w), "the check page says it too");
      await look.at("check", { focus: w("intake.check.title") });
      await person.click(w("intake.check.send"));
      await heading(person, w("intake.code.title"));
      const code = (await codeOf(person)).join(" ");

      await openSealed(person, `${path}cek`, language);
      assert.equal(await announced(person), w("reporter.unwitnessed"));
      await look.at("open");
      await person.fill(w("intake.open.label"), code);
      await person.click(w("intake.open.button"));
      assert.ok(await warned(person, w), "the case's page says it too");
      await look.at("status");
      await person.fill(w("intake.status.text"), "Sudah ada kabar?");
      await person.click(w("intake.status.send"));
      await until("the reply to be sent", async () => (await person.text()).includes(w("intake.status.sent")));
      look.writeIncomplete();
    });
  }

  test("another language says it in that", async (t) => {
    const { person, w, path } = await start(t);
    await openSealed(person, `${path}lapor/tulis`);
    assert.equal(await announced(person), w("reporter.unwitnessed"));
    await person.click("English");
    assert.equal(await announced(person), words("en")("reporter.unwitnessed"));
  });

  test("suluh submit says the same", () => {
    const { status, stderr } = spawnSync(binary, ["submit", "--server", demo.intake, "--root-key", join(demo.dir, "keys/root.vkey"), "--from", "-", "--to", "itprov"],
      { input: JSON.stringify({ apa: typed }), encoding: "utf8" });
    assert.equal(status, 0);
    assert.ok(stderr.replace(/\s+/g, " ").includes(words("id")("reporter.unwitnessed")), stderr);
  });

  test("Firefox", async (t) => {
    const engine = await Firefox.launch({ "javascript.enabled": true });
    t.after(() => engine.close());
    const person = new Person(engine);
    const w = words("id");
    await openSealed(person, `${proxy.url}lapor/tulis`);
    assert.equal(await announced(person), w("reporter.unwitnessed"));
    await write(person, w);
    await person.click(w("intake.write.next"));
    await person.click(w("intake.check.send"));
    await heading(person, w("intake.code.title"));
  });
});

describe("once they have", () => {
  before(() => askWitnesses(demo));

  test("nothing is said of them", async (t) => {
    const { person, w, path } = await start(t);
    await openSealed(person, `${path}lapor/tulis`);
    assert.equal(await announced(person), "");
    await write(person, w);
    await person.click(w("intake.write.next"));
    assert.ok(!(await warned(person, w)));
    await person.click(w("intake.check.send"));
    await heading(person, w("intake.code.title"));
    await openSealed(person, `${path}cek`);
    assert.equal(await announced(person), "");
    await person.fill(w("intake.open.label"), demo.codes[0]);
    await person.click(w("intake.open.button"));
    assert.match(await person.heading(), /^Status: /);
    assert.ok(!(await warned(person, w)));
  });

  /** From now on intake shows another log than the witnesses have cosigned. */
  const lie = (page) => page.route("**/deposit/v1/roster/proof", async (route) => route.fulfill({ json: anotherLog(demo, await (await route.fetch()).json()) }));

  for (const language of ["id", "en"]) {
    test(`another log than they have seen is not trusted: ${language}`, async (t) => {
      const { person, page, look, w, path } = await start(t, language, "device-witnesses");
      await lie(page);
      for (const [name, form] of [["write/another-log", "lapor/tulis"], ["open/another-log", "cek"]]) {
        await person.open(path + form);
        await until("the warning", async () => (await person.text()).includes(w("intake.device.roster-witnesses")));
        assert.ok((await person.text()).includes(w("intake.device.distrust")), "it says what to do");
        assert.ok(!(await warned(person, w)));
        await look.at(name, { focus: w("page.problem.title") });
      }
      await person.fill(w("intake.open.label"), demo.codes[0]);
      proxy.received = [];
      proxy.record = true;
      await person.click(w("intake.open.button"));
      assert.ok((await person.text()).includes(w("intake.device.roster-witnesses")));
      await person.open(`${path}lapor/tulis`);
      await until("the warning", async () => (await person.text()).includes(w("intake.device.roster-witnesses")));
      await write(person, w);
      await person.click(w("intake.write.next"));
      assert.ok((await person.text()).includes(w("intake.device.roster-witnesses")));
      assert.equal(await person.value(w("intake.field.apa")), typed, "what was typed stays");
      const sent = proxy.sent();
      assert.ok(sent.includes("roster/proof"), "what was sent is looked at");
      for (const secret of ["Aspal", "POST ", demo.codes[0].split(" ").slice(0, 2).join(" ")]) assert.ok(!sent.includes(secret), `“${secret}” was sent`);
      look.writeIncomplete();
    });
  }

  test("nor is one that is shown later", async (t) => {
    const { person, page, w, path } = await start(t);
    await openSealed(person, `${path}lapor/tulis`);
    await write(person, w);
    await lie(page);
    await person.click(w("intake.write.next"));
    assert.ok((await person.text()).includes(w("intake.device.roster-witnesses")));
    assert.equal(await person.heading(), w("intake.write.title"));
    await page.unroute("**/deposit/v1/roster/proof");
    await openSealed(person, `${path}cek`);
    await person.fill(w("intake.open.label"), demo.codes[0]);
    await lie(page);
    await person.click(w("intake.open.button"));
    assert.ok((await person.text()).includes(w("intake.device.roster-witnesses")));
    assert.equal(await person.heading(), w("intake.open.title"));
  });

  // The last, since it changes the list of readers.
  test("of a newer list of readers it is said again, until they have confirmed that", async (t) => {
    const { person, w, path } = await start(t);
    await openSealed(person, `${path}lapor/tulis`);
    assert.equal(await announced(person), "");
    execFileSync(binary, ["roster", "unit", "itprov", "--contact", "id=Jalan Lain 2", "--dir", join(demo.dir, "keys")], { stdio: ["ignore", "pipe", "pipe"] });
    signRoster(demo);
    await write(person, w);
    await person.click(w("intake.write.next"));
    assert.ok(await warned(person, w));
    await person.click(w("intake.check.back"));
    assert.equal(await announced(person), w("reporter.unwitnessed"));
    askWitnesses(demo);
    await person.click(w("intake.write.next"));
    assert.ok(!(await warned(person, w)));
    await person.click(w("intake.check.send"));
    await heading(person, w("intake.code.title"));
  });
});
