// The browser's half without its pages: the vectors that Go runs too, and reports that
// go through a recording intake to a real one, in Chromium and Firefox.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { bundle, vectors } from "../../web/browser/test/load.js";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { Firefox } from "./lib/firefox.js";
import { Member } from "./lib/member.js";
import { Recorder } from "./lib/recorder.js";
import { nameKeyWitnesses } from "./lib/split.js";

// What the worker draws is told to the page: the seed is the first of 32 bytes.
const eyes = `{
  const draw = crypto.getRandomValues.bind(crypto);
  const channel = new BroadcastChannel("uji-acak");
  crypto.getRandomValues = (a) => { draw(a); channel.postMessage(new Uint8Array(a.buffer.slice(0))); return a; };
}
`;

let demo, chromium, recorder, folder, rootKey, core;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-core-"));
  demo = await startDemo();
  recorder = await Recorder.start(demo.intake, eyes);
  chromium = await launch();
  rootKey = readFileSync(join(demo.dir, "keys/root.vkey"), "utf8").trim();
  core = new Function(`${await bundle("vectors.ts", "core")}; return core;`)();
});
after(async () => {
  await chromium?.close();
  await recorder?.stop();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const engines = {
  Chromium: () => Chromium.open(chromium, { javaScriptEnabled: true }),
  Firefox: () => Firefox.launch({ "javascript.enabled": true }),
};

/** A page of a recorder's with the client started, which is closed after the test. */
async function page(t, open = engines.Chromium, started = true, at = recorder) {
  const engine = await open();
  t.after(() => engine.close());
  t.after(() => { recorder.answer = recorder.change = recorder.lose = recorder.during = null; recorder.forget(); });
  await engine.open(`${at.url}uji/`);
  const call = (name, ...args) => engine.evaluate(({ name, args }) => globalThis.suluh[name](...args), { name, args });
  if (started) {
    const begun = await call("begin", rootKey);
    assert.equal(begun.failure, undefined);
  }
  return { engine, call };
}

const formOf = (report, more = {}) => ({ unit: "itprov", without: [], report, language: "id", asIs: false, ...more });

/** The bytes of a file that page.ts makes. */
function made(size) {
  const words = new Uint32Array(Math.ceil(size / 4));
  let x = size >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    words[i] = x;
  }
  return Buffer.from(words.buffer, 0, size);
}

/** All ways in which bytes could stand in what was sent. */
function* forms(bytes) {
  yield bytes;
  for (let skip = 0; skip < 3; skip++) {
    const part = bytes.subarray(skip);
    const b64 = part.subarray(0, part.length - (part.length % 3)).toString("base64");
    if (b64.length < 8) continue; // any four letters stand somewhere in some megabytes of ciphertext
    yield Buffer.from(b64);
    yield Buffer.from(b64.replaceAll("+", "-").replaceAll("/", "_"));
  }
  yield Buffer.from(bytes.toString("hex"));
  yield Buffer.from(bytes.toString("hex").toUpperCase());
}

function assertNowhere(sent, secrets) {
  for (const [what, secret] of secrets) {
    const kinds = typeof secret === "string"
      ? [Buffer.from(secret), Buffer.from(secret, "utf16le"), Buffer.from(secret, "utf16le").swap16(), Buffer.from(encodeURIComponent(secret)), Buffer.from(JSON.stringify(secret).slice(1, -1))]
      : [secret];
    for (const kind of kinds) for (const form of forms(kind)) assert.ok(!sent.includes(form), `${what} was sent`);
  }
}

for (const [name, open] of Object.entries(engines)) {
  test(`the vectors that Go runs too hold in ${name}`, async (t) => {
    const { engine } = await page(t, open, false);
    const source = `${await bundle("vectors.ts", "core")}; return core.run(arguments[0]);`;
    const { checks, failures } = engine instanceof Firefox
      ? await engine.marionette.send("WebDriver:ExecuteScript", { script: source, args: [vectors()] })
      : await engine.page.evaluate(([source, v]) => new (Object.getPrototypeOf(async () => {}).constructor)(source)(v), [source, vectors()]);
    assert.deepEqual(failures, []);
    assert.ok(checks > 300);
  });

  test(`an intake learns nothing of a report, and a member reads all of it: ${name}`, async (t) => {
    const { call, engine } = await page(t, open);
    const report = { apa: `Rahasia-Kata <Jalan> & "retak" ${name} é😀`, siapa: "Kepala-Bidang-Contoh", jenis: "korupsi", kapan: "2026-11-20\r\nmalam" };
    const files = [
      { name: "Kuitansi-Rahasia ß.pdf", size: 300_001, type: "application/pdf" },
      { name: "C:\\Users\\Pelapor-Contoh\\catatan-kecil.txt", size: 7, type: "text/plain; charset=utf-8" },
      { name: "video-besar.bin", size: 9_000_000 },
    ];
    const { words } = await call("prepare", formOf(report));
    assert.equal(await call("tryCode", words.join("-").toUpperCase()), null);
    const [seed] = await engine.evaluate(() => globalThis.suluh.drawn.filter((d) => d.length === 32));
    const sent = await call("send", formOf(report, { without: ["penelaah-dua"] }), files);
    assert.equal(sent.result, "new", JSON.stringify(sent));
    const same = await call("send", formOf(report, { without: ["penelaah-dua"] }), files);
    assert.deepEqual([same.result, same.words, same.receipt], ["same", sent.words, sent.receipt], "the same form again is the same case");
    assert.notDeepEqual(sent.words, words, "another choice of readers is another case");
    const changed = await call("send", formOf({ ...report, mana: "Desa Contoh" }, { without: ["penelaah-dua"] }), []);
    assert.deepEqual([changed.result, changed.words], ["added", sent.words], "the form again, changed, adds to its case");
    const view = await call("look", sent.words.join(" "));
    assert.deepEqual([view.status, view.unit, view.warnings, view.messages], ["received", "itprov", [], []]);
    const text = `Tambahan-Rahasia ${name}`;
    const reply = await call("reply", view.handle, "ab".repeat(32), text, [{ name: "Surat-Susulan.docx", size: 70_000 }]);
    assert.equal(reply.result, "added", JSON.stringify(reply));

    const reader = new Member(demo, "penelaah-satu", folder);
    const opened = reader.open(view.case, join(folder, `kasus-${name}`));
    const letters = opened.documents.filter((d) => d.role === "letter");
    const [letter, message] = [letters.find((d) => d.report && !d.report.mana), letters.find((d) => d.text)];
    assert.deepEqual(letter.report, { ...report, kapan: "2026-11-20\nmalam" });
    assert.deepEqual(letter.without, ["penelaah-dua"]);
    assert.equal(message.text, text);
    assert.deepEqual(opened.attachments.map((a) => [a.bytes.length, a.name, a.type]).sort((a, b) => a[0] - b[0]), [
      [7, "catatan-kecil.txt", "text/plain"],
      [70_000, "Surat-Susulan.docx", "application/octet-stream"],
      [300_001, "Kuitansi-Rahasia ß.pdf", "application/pdf"],
      [9_000_000, "video-besar.bin", "application/octet-stream"],
    ]);
    for (const { name, bytes } of opened.attachments) assert.ok(bytes.equals(made(bytes.length)), `${name} came byte for byte`);
    assert.ok(!new Member(demo, "penelaah-dua", folder).cases().includes(view.case), "who was left out has no key");

    const secrets = [
      ...[...Object.values(report), text, ...files.map((f) => f.name), "Kuitansi-Rahasia", "Pelapor-Contoh", "catatan-kecil", "Surat-Susulan", "Rahasia-Kata"].map((s) => ["a text", s]),
      // "reporter" is a word of codes and the name of a field.
      ...[...words, ...sent.words].filter((w) => w.length > 5 && w !== "reporter").map((w) => [`the code's word ${w}`, w]),
      ...[words, sent.words].flatMap((code) => [" ", "-", ",", "\",\"", ""].map((between) => ["the code", code.slice(0, 3).join(between)])),
      ["the seed", Buffer.from(seed)], ["the case's key", opened.key],
      ...Object.entries(core.secretsOf(sent.words.join(" "))).map(([what, hex]) => [what, Buffer.from(hex, "hex")]),
      ...[300_001, 9_000_000, 70_000].flatMap((n) => [0, 4096, n - 48].map((at) => ["a file", made(n).subarray(at, at + 48)])),
    ];
    const all = recorder.sent();
    for (const known of [view.case, "age-encryption.org/v1"]) assert.ok(all.includes(known), "what was sent is looked at");
    assertNowhere(all, secrets);
    for (const { url, answered } of recorder.requests) {
      assert.deepEqual([answered["cache-control"], answered["set-cookie"]], ["no-store", undefined], `what ${url} answers is kept nowhere`);
    }
    const stores = await engine.evaluate(async () => [
      localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, location.search + location.hash,
    ]);
    assert.deepEqual(stores, [0, 0, "", 0, ""], "nothing is kept in the browser");
  });
}

test("a roster that is not the one in force is refused", async (t) => {
  const { call } = await page(t, engines.Chromium, false);
  for (const [want, change] of Object.entries({
    "roster-signature": (p) => { p.roster = p.roster.replace("Penelaah Dua", "Penelaah Tiga"); },
    "roster-log": (p) => { p.proof = []; p.index++; },
    "roster-old": () => {}, // but the state names another
  })) {
    recorder.change = ({ url }, body) => {
      if (want === "roster-old" && url.endsWith("/state")) return Buffer.from(JSON.stringify({ ...JSON.parse(body), roster: "0".repeat(64) }));
      if (!url.endsWith("/roster/proof")) return body;
      const p = JSON.parse(body);
      change(p);
      return Buffer.from(JSON.stringify(p));
    };
    assert.equal((await call("begin", rootKey)).failure, want);
  }
  recorder.change = null;
  assert.equal((await call("begin", rootKey.replace(/.$/, "A"))).failure, "roster-signature", "another root key");
  recorder.answer = ({ url }) => url.startsWith("/deposit/") && { status: 503, body: '{"code":"away"}' };
  assert.equal((await call("begin", rootKey)).failure, "closed");
  recorder.answer = () => { throw new Error("nobody answers"); };
  assert.equal((await call("begin", rootKey)).failure, "offline");
});

test("what a vault changes of a case is noticed", async (t) => {
  const { call } = await page(t);
  const sent = await call("send", formOf({ apa: "uji" }), []);
  const code = sent.words.join(" ");
  const good = await call("look", code);
  const other = (await call("send", formOf({ apa: "uji" }, { without: ["penelaah-dua"] }), [])).words.join(" ");
  let stream;
  recorder.change = ({ url }, body) => { if (url.endsWith("/lookup")) stream = body; };
  await call("look", other);
  const looked = async (change) => {
    recorder.change = ({ url }, body) => (url.endsWith("/lookup") ? change(body) : body);
    const v = await call("look", code);
    return v.failure ?? v.warnings;
  };
  assert.deepEqual(await looked((b) => b), []);
  assert.deepEqual(await looked(() => stream), ["card"], "another case's answer");
  assert.equal(await looked((b) => b.subarray(0, b.length - 1)), "internal", "cut short");
  assert.equal(await looked((b) => { b = Buffer.from(b); b[b.length - 100] ^= 1; return b; }), "internal", "bytes of another digest");
  const head = (b, change) => { // the head frame again, changed
    const n = b.readUInt32BE(1);
    const h = JSON.parse(b.subarray(5, 5 + n));
    change(h);
    const text = Buffer.from(JSON.stringify(h));
    const out = Buffer.alloc(5);
    out[0] = b[0];
    out.writeUInt32BE(text.length, 1);
    return Buffer.concat([out, text, b.subarray(5 + n)]);
  };
  assert.deepEqual(await looked((b) => head(b, (h) => { h.objects = h.objects.filter((o) => o.role !== "letter"); })), ["missing"]);
  assert.deepEqual(await looked((b) => head(b, (h) => { h.case = "K-AAAA-AAAA-AAAA-AAAA"; })), ["card"]);
  const bad = await call("look", code.replace(/^\S+/, "")); // nine words
  assert.deepEqual([bad.code, bad.got], ["count", 9]);
  recorder.change = null;
  assert.equal((await call("look", "abadi ".repeat(9) + "misai")).code, "unknown");
  // A view with warnings can't be added to.
  recorder.change = ({ url }, body) => (url.endsWith("/lookup") ? stream : body);
  const tampered = await call("look", code);
  recorder.change = null;
  assert.equal((await call("reply", tampered.handle, "00".repeat(32), "x", [])).failure, "tampered");
  assert.equal((await call("destroy", tampered.handle, "0".repeat(64))).failure, "tampered");
  assert.deepEqual(good.warnings, []);
});

/** What of a file's pieces was sent, beside what had to be. */
function uploaded() {
  const patches = recorder.requests.filter((r) => r.method === "PATCH");
  const bytes = patches.reduce((n, r) => n + r.body.reduce((n, b) => n + b.length, 0), 0);
  const sealed = Number(recorder.requests.find((r) => r.method === "POST").headers.match(/upload-length\n(\d+)/i)[1]);
  return { patches, bytes, sealed };
}

test("an upload goes on where its connections broke", async (t) => {
  const { call, engine } = await page(t);
  const size = 20_000_000;
  let n = 0;
  // Every other piece is lost at some byte of it.
  recorder.lose = ({ method }) => (method === "PATCH" && n++ % 2 === 0 ? 1_000_000 * (n % 5) + 1 : Infinity);
  const sent = await call("send", formOf({ apa: "putus-putus" }), [{ name: "besar", size }]);
  assert.equal(sent.result, "new", JSON.stringify(sent));
  recorder.lose = null;
  assert.ok(uploaded().patches.filter((r) => r.lost).length > 2, "connections were lost");
  const progress = await engine.evaluate(() => globalThis.suluh.progress);
  assert.ok(progress.some((p) => p.waiting), "it said that it waits");
  assert.deepEqual(progress.at(-1).total, { sent: size, size });
  const view = await call("look", sent.words.join(" "));
  const opened = new Member(demo, "penelaah-satu", folder).open(view.case, join(folder, "kasus-putus"));
  assert.ok(opened.attachments[0].bytes.equals(made(size)), "byte for byte");
});

test("an upload goes on that had to give way to another connection", async (t) => {
  const { call } = await page(t);
  let asked = false;
  // As what a browser has sent before over a connection that broke, and is late.
  recorder.during = async ({ method, url }, n) => {
    if (method !== "PATCH" || n < 1_000_000 || asked) return;
    asked = true;
    // What was sent may not have been taken up yet, and then it has nothing to give way with.
    for (let offset = 0, tries = 0; offset === 0 && tries < 50; tries++) {
      const r = await fetch(new URL(url, demo.intake), { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } });
      assert.equal(r.status, 200);
      offset = Number(r.headers.get("Upload-Offset"));
      if (offset === 0) await sleep(20);
    }
  };
  const sent = await call("send", formOf({ apa: "disusul" }), [{ name: "besar", size: 6_000_000 }]);
  assert.equal(sent.result, "new", JSON.stringify(sent));
  assert.ok(uploaded().patches.some((r) => r.status === 423), "one gave way");
});

test("while the vault is away, nothing that has come is given up", async (t) => {
  const { call } = await page(t);
  const seen = {};
  recorder.lose = ({ method }) => (method === "PATCH" && (seen.PATCH = (seen.PATCH ?? 0) + 1) === 2 ? 1_000_000 : Infinity);
  // It is not there when it is asked how much has come, nor when it is given the report.
  recorder.answer = ({ method, url }) => {
    const what = method === "HEAD" ? method : url.endsWith("/deposit") && url;
    if (!what || seen[what]) return null;
    seen[what] = 1;
    return { status: 503, headers: { "Content-Type": "application/json" }, body: '{"code":"away"}' };
  };
  const sent = await call("send", formOf({ apa: "sebentar pergi" }), [{ name: "besar", size: 9_000_000 }]);
  assert.equal(sent.result, "new", JSON.stringify(sent));
  const asked = (method, end) => recorder.requests.filter((r) => r.method === method && r.url.endsWith(end)).length;
  assert.deepEqual([asked("POST", "/files/"), asked("POST", "/deposit")], [1, 2], "no upload began anew, and the report was sent again");
});

test("a connection that goes silent is given up, and the upload goes on", async (t) => {
  // Two minutes of silence are two seconds here.
  const impatient = "{ const wait = setTimeout; setTimeout = (f, ms, ...more) => wait(f, ms === 120000 ? 2000 : ms, ...more); }\n";
  const silent = await Recorder.start(demo.intake, impatient);
  t.after(() => silent.stop());
  const { call } = await page(t, engines.Chromium, true, silent);
  const seen = {};
  silent.answer = ({ method, url }) => {
    const what = url.endsWith("/deposit") ? url : method;
    if (!["PATCH", "HEAD"].includes(what) && what !== url) return null;
    // The first of each gets no answer, and nothing tells that it never will.
    return (seen[what] = (seen[what] ?? 0) + 1) === 1 ? new Promise(() => {}) : null;
  };
  const sent = await call("send", formOf({ apa: "diam" }), [{ name: "besar", size: 6_000_000 }]);
  assert.equal(sent.result, "new", JSON.stringify(sent));
  assert.deepEqual(Object.values(seen).filter((n) => n < 2), [], "each was tried again");
});

test("at 5 % lost connections each byte is sent at most 1.1 times", async (t) => {
  const { call } = await page(t);
  let n = 0;
  recorder.lose = ({ method }) => (method === "PATCH" && ++n % 20 === 7 ? 3_000_000 : Infinity);
  const sent = await call("send", formOf({ apa: "kadang putus" }), [{ name: "besar", size: 80_000_000 }]);
  assert.equal(sent.result, "new", JSON.stringify(sent));
  const { patches, bytes, sealed } = uploaded();
  assert.ok(patches.filter((r) => r.lost).length >= patches.length / 25, "connections were lost");
  assert.ok(bytes <= 1.1 * sealed, `${bytes} bytes for ${sealed}`);
});

test("an offset that lies costs an upload that begins anew, and nothing else", async (t) => {
  const { call } = await page(t);
  let n = 0;
  const lie = ({ method }) => method === "PATCH" && { status: 204, headers: { "Tus-Resumable": "1.0.0", "Upload-Offset": "7777777" } };
  recorder.answer = (r) => (r.method === "PATCH" && n++ === 0 ? lie(r) : null);
  const files = [{ name: "a", size: 6_000_000 }];
  const sent = await call("send", formOf({ apa: "luput" }), files);
  assert.equal(sent.result, "new", JSON.stringify(sent));
  const { case: name } = await call("look", sent.words.join(" "));
  assert.ok(new Member(demo, "penelaah-satu", folder).open(name, join(folder, "kasus-luput")).attachments[0].bytes.equals(made(6_000_000)));
  recorder.answer = lie;
  assert.equal((await call("send", formOf({ apa: "luput lagi" }), [{ name: "b", size: 6_000_001 }])).failure, "internal", "a server that always lies");
});

test("a deposit whose answer was lost is sent again and stored once", async (t) => {
  const { call } = await page(t);
  let n = 0;
  recorder.lose = ({ url }) => (url.endsWith("/deposit") && n++ === 0 ? 100 : Infinity);
  assert.equal((await call("send", formOf({ apa: "sekali saja" }), [{ name: "a", size: 5000 }])).result, "new");
  assert.equal(n, 2);
});

test("what is broken off leaves nothing in the vault", async (t) => {
  const { call, engine } = await page(t);
  let held;
  recorder.answer = async ({ method }) => {
    if (method === "PATCH") await new Promise((resolve) => { held = resolve; });
  };
  const sending = call("send", formOf({ apa: "batal" }), [{ name: "besar", size: 20_000_000 }]);
  for (let i = 0; !held && i < 600; i++) await engine.evaluate(() => new Promise((r) => setTimeout(r, 50)));
  await call("cancel");
  held();
  assert.equal((await sending).failure, "aborted");
  assert.ok(recorder.requests.some((r) => r.method === "DELETE"), "the upload is taken back");
  recorder.answer = null;
  assert.equal((await call("send", formOf({ apa: "batal" }), [{ name: "kosong", size: 0 }])).failure, "empty-file");
});

test("an answer is destroyed by its reporter alone", async (t) => {
  const { call } = await page(t);
  const sent = await call("send", formOf({ apa: "hapus" }), []);
  const code = sent.words.join(" ");
  const { case: name } = await call("look", code);
  const reader = new Member(demo, "penelaah-satu", folder);
  reader.reply(name, "Kami periksa.");
  const view = await call("look", code);
  assert.deepEqual(view.messages.map((m) => [m.text, m.by]), [["Kami periksa.", "penelaah-satu"]]);
  const { object } = view.messages[0];
  assert.match(await call("destroy", view.handle, object), /^\d{4}-\d\d-\d\d$/);
  const gone = await call("look", code);
  assert.deepEqual(gone.messages.map((m) => [m.text, m.destroyed !== ""]), [["", true]]);
  assert.deepEqual(gone.warnings, []);
});

test("a form whose key witnesses changed is another case", async (t) => {
  const { call } = await page(t);
  const first = await call("send", formOf({ apa: "sebelum ada saksi" }), []);
  nameKeyWitnesses(demo, { unit: "itprov", from: "itjen", need: 1, names: { "saksi-a": "Kantor Contoh Satu" } });
  assert.equal((await call("send", formOf({ apa: "sebelum ada saksi" }), [])).failure, "roster", "the readers have to be shown again");
  await call("refresh");
  const second = await call("send", formOf({ apa: "sebelum ada saksi" }), []);
  assert.equal(second.result, "new", JSON.stringify(second));
  assert.notDeepEqual(second.words, first.words, "a case that opens without key witnesses takes nothing that needs them");
  const again = await call("send", formOf({ apa: "sebelum ada saksi" }), []);
  assert.deepEqual([again.result, again.words], ["same", second.words]);
});

test("the digest of each script is what pages tell", async () => {
  const html = await (await fetch(`${demo.intake}lapor/tulis`)).text();
  const integrity = html.match(/integrity="(sha384-[^"]+)"/)[1].replace("&#43;", "+");
  const app = readFileSync(new URL("../../web/browser/dist/app.js", import.meta.url));
  assert.equal(integrity.replaceAll("&#43;", "+"), `sha384-${createHash("sha384").update(app).digest("base64")}`);
});
