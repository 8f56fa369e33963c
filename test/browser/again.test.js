// The auditors' page checks the log again in the browser: of a good log it says so, and
// of one that its server lies about it names the record or the file, in Chromium and in
// Firefox. Between the browser and the real pages stands a server that can lie.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundle } from "../../web/browser/test/load.js";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo, startYear } from "./lib/demo.js";
import { kept } from "./lib/device.js";
import { Firefox } from "./lib/firefox.js";
import { Look } from "./lib/look.js";
import { Member } from "./lib/member.js";
import { Person, until } from "./lib/person.js";
import { Recorder } from "./lib/recorder.js";
import { words } from "./lib/words.js";

const w = words("id");
let demo, year, chromium, small, large, folder;
let size, tile; // of the large log: its records, and the last full tile
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-again-"));
  demo = await startDemo();
  year = await startYear();
  small = await Recorder.start(demo.audit);
  large = await Recorder.start(year.url);
  chromium = await launch();
  // The year's log is verified first.
  await until("the year to be verified", async () => (await fetch(large.url)).status === 200);
  size = Number((await (await fetch(`${large.url}checkpoint`)).text()).split("\n")[1]);
  tile = Math.floor(size / 256) - 1;
});
after(async () => {
  await chromium?.close();
  await small?.stop();
  await large?.stop();
  await year?.stop();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const engines = {
  Chromium: () => Chromium.open(chromium, { javaScriptEnabled: true }),
  Firefox: () => Firefox.launch({ "javascript.enabled": true }),
};

/** What the browser says under its heading, once it has come to an end. */
async function said(person, url) {
  await person.open(url);
  return until("the browser's verdict", () => person.evaluate(() => {
    const box = document.querySelector("#ulang [role=status]");
    return box?.className && !document.querySelector("#ulang progress") && `${box.className}: ${box.innerText}`;
  }));
}

/** A part of a message with its values. */
const message = (key, values = {}) => Object.entries(values).reduce((s, [name, v]) => s.replace(`{${name}}`, v), w("auditor.again." + key));

const altered = (body, at = 0) => {
  const b = Buffer.from(body);
  b[at] ^= 1;
  return b;
};

for (const [name, open] of Object.entries(engines)) {
  test(`a good log is found whole, also from one visit to the next, ${name}`, async (t) => {
    const engine = await open();
    t.after(() => engine.close());
    const person = new Person(engine);
    const member = new Member(demo, "penelaah-satu", folder);
    const first = await said(person, small.url);
    const before = Number((await person.heading()).match(/\d+/)[0]);
    assert.match(first, /^box ok: /);
    assert.ok(first.includes(message("all", { n: before })), first);
    assert.ok(first.includes(message("first")), first);
    assert.match(first, /Tanda tangan anggota yang diperiksa: [1-9]/);
    member.cases();
    const again = await said(person, small.url);
    assert.ok(again.includes(message("all", { n: before + 1 })) && again.includes(message("continues", { n: before })), again);
    // It keeps the one thing that it says.
    assert.deepEqual(await person.evaluate(kept), ["suluh-audit"]);
  });

  test(`a large log with witnesses is checked in part, and the page says so, ${name}`, async (t) => {
    const engine = await open();
    t.after(() => engine.close());
    const text = await said(new Person(engine), large.url);
    const [, some, all] = text.match(/^box ok: Peramban ini memeriksa ulang ([\d.]+) dari ([\d.]+) catatan/);
    assert.equal(all, size.toLocaleString("id"));
    assert.ok(Number(some.replaceAll(".", "")) > 4096, text);
    assert.ok(text.includes(message("witnesses", { by: 2, of: 3, n: all })), text);
  });

  test(`what is wrong is named, ${name}`, async (t) => {
    const engine = await open();
    t.after(() => engine.close());
    t.after(() => { small.change = large.change = small.answer = null; });
    const person = new Person(engine);
    const name = String(tile).padStart(3, "0");
    const finds = async (what, recorder, change, ...parts) => {
      recorder.change = ({ url }, body) => change(url, body);
      const text = await said(person, recorder.url);
      assert.match(text, /^box err: /, what);
      for (const part of [message("bad"), message("do"), ...parts]) assert.ok(text.includes(part), `${what}: ${text}`);
      recorder.change = null;
      assert.match(await said(person, recorder.url), /^box ok: /, `after ${what}`);
    };
    const page = (change) => (url, body) => url === "/" ? Buffer.from(change(body.toString())) : body;
    await finds("another root in the page", small, page((html) => html.replace(/(&#34;root&#34;:&#34;)./, (all, head) => head + (all.endsWith("A") ? "B" : "A"))), message("page"));
    await finds("a checkpoint that nobody signed", small, (url, body) => url === "/checkpoint" ? altered(body, body.indexOf("\n") + 1) : body, w("auditor.fault.checkpoint"));
    await finds("another key", small, page((html) => html.replace("{&#34;key&#34;:&#34;", "$&x")), message("key"));
    await finds("a changed record", small, (url, body) => /entries/.test(url) ? altered(body, 900) : body, w("auditor.fault.tree"), "Catatan ");
    await finds("a changed tile", large, (url, body) => url === `/tile/0/${name}` ? altered(body, 77) : body, w("auditor.fault.tile"), `tile/0/${name}`);
    await finds("a changed tile above", large, (url, body) => /^\/tile\/1\//.test(url) ? altered(body, 77) : body, w("auditor.fault.tree"), "checkpoint");
    await finds("a changed record of a large log", large, (url, body) => url === `/tile/entries/${name}` ? altered(body, 900) : body, w("auditor.fault.tree"), `Catatan ${(tile * 256).toLocaleString("id").split(".")[0]}.`);
    await finds("a tile that is gone", large, (url, body) => url === `/tile/0/${name}` ? body.subarray(0, 32) : body, w("auditor.fault.tile"));
    await finds("a forged cosignature", large, (url, body) => url === "/checkpoint.cosigned" ? Buffer.from(body.toString().replace(/(saksi-1\.example [^\n]{60})(.)/, (_, head, c) => head + (c === "A" ? "B" : "A"))) : body, message("witness"));
  });

  test(`a log that was cut back is noticed, and begun anew by hand alone, ${name}`, async (t) => {
    const engine = await open();
    t.after(() => engine.close());
    t.after(() => { small.answer = null; });
    const person = new Person(engine);
    const member = new Member(demo, "penelaah-satu", folder);
    // What the server served some time ago.
    const old = new Map();
    small.change = ({ url, method }, body) => (method === "GET" && old.set(url, body), body);
    assert.match(await said(person, small.url), /^box ok: /);
    small.change = null;
    member.cases();
    assert.match(await said(person, small.url), /^box ok: /);
    small.answer = ({ url }) => old.has(url) && { status: 200, headers: { "Content-Type": url === "/" ? "text/html; charset=utf-8" : "application/octet-stream" }, body: old.get(url) };
    old.delete("/peramban/audit.js"); // with its headers, since its integrity is checked
    for (let i = 0; i < 2; i++) { // it isn't forgotten by looking again
      const text = await said(person, small.url);
      assert.ok(text.includes(message("shrunk")) && text.includes(message("restored")), text);
    }
    await engine.click(await engine.find("button", message("anew")));
    await until("the old log to be taken", () => person.evaluate(() => document.querySelector("#ulang .ok")));
  });
}

// The tiles of a tree with three levels, by the definition of RFC 6962 and node's own hash.
test("a tile that isn't the tree's is found wherever it is", async () => {
  const { Tiles, pathOf } = new Function(`${await bundle("../src/audit/tiles.ts", "tiles")}; return tiles;`)();
  assert.equal(pathOf(0, 1234067, 256), "tile/0/x001/x234/067");
  assert.equal(pathOf(-1, 0, 7), "tile/entries/000.p/7");
  const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
  const size = 256 * 256 + 3 * 256 + 77;
  const leaves = Array.from({ length: size }, (_, i) => sha(Buffer.from(`catatan ${i}`)));
  const known = new Map();
  const root = (from, to) => {
    if (to - from === 1) return leaves[from];
    let k = 1;
    while (2 * k < to - from) k *= 2;
    const name = `${from} ${to}`;
    if (!known.has(name)) known.set(name, sha(Buffer.of(1), root(from, from + k), root(from + k, to)));
    return known.get(name);
  };
  const files = new Map();
  for (let level = 0; 256 ** level <= size; level++) {
    const one = 256 ** level;
    const row = Array.from({ length: Math.floor(size / one) }, (_, i) => root(i * one, (i + 1) * one));
    for (let n = 0; n * 256 < row.length; n++) {
      const hashes = row.slice(n * 256, n * 256 + 256);
      files.set(pathOf(level, n, hashes.length), Buffer.concat(hashes));
    }
  }
  const get = async (path) => new Uint8Array(files.get(path));
  const whole = async () => { // what is wrong with the tree of a signed root, or nothing
    const tiles = new Tiles(get, size);
    if (Buffer.compare(Buffer.from(await tiles.rootOf(size)), root(0, size)) !== 0) return "root";
    for (let level = tiles.levels - 1; level >= 0; level--) { // from the root down, as the page does
      for (let n = 0; n < tiles.tiles(level); n++) {
        const wrong = await tiles.check(level, n).then(() => "", (fault) => fault.place.path);
        if (wrong) return wrong;
      }
    }
    return "";
  };
  assert.equal(await whole(), "");
  const tiles = new Tiles(get, size);
  for (const m of [1, 2, 3, 255, 256, 257, 511, 512, 65535, 65536, 65537, 65536 + 256, size - 1, size]) {
    assert.equal(Buffer.from(await tiles.rootOf(m)).toString("hex"), root(0, m).toString("hex"), `tree of ${m}`);
  }
  for (const [path, found] of [["tile/0/000", "tile/0/000"], ["tile/0/255", "tile/0/255"], ["tile/0/258", "tile/0/258"], ["tile/0/259.p/77", "root"], ["tile/1/000", "tile/1/000"], ["tile/1/001.p/3", "root"], ["tile/2/000.p/1", "root"]]) {
    const good = files.get(path);
    files.set(path, altered(good, good.length - 1));
    assert.equal(await whole(), found, path);
    files.set(path, good);
  }
});

test("a file that can't be read is no verdict", async (t) => {
  const engine = await engines.Chromium();
  t.after(() => engine.close());
  t.after(() => { small.answer = null; });
  small.answer = ({ url }) => url.startsWith("/tile/") && { status: 502, body: "" };
  assert.equal(await said(new Person(engine), small.url), `box warn: ${message("unread")}`);
});

for (const language of ["id", "en"]) {
  test(`the verdict that the browser has checked, ${language}`, async (t) => {
    const engine = await Chromium.open(chromium, { javaScriptEnabled: true, colorScheme: "light" });
    t.after(() => engine.close());
    t.after(() => { large.change = null; });
    const person = new Person(engine);
    const look = new Look(t, person, { language, surface: "auditor", script: true });
    const path = language === "id" ? "" : "en/";
    assert.match(await said(person, large.url + path), /^box ok: /);
    await look.at("again");
    large.change = ({ url }, body) => (url === `/tile/entries/${String(tile).padStart(3, "0")}` ? altered(body, 900) : body);
    assert.match(await said(person, large.url + path), /^box err: /);
    await look.at("again/failed");
    look.writeIncomplete();
  });
}
