// Shows that each check of lib/checks.js finds what it is for, and leaves a good page alone.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { Person } from "./lib/person.js";
import { tree } from "./lib/tree.js";
import * as checks from "./lib/checks.js";

const style = `<style>body{margin:8px;color:#1a1f24;background:#fff}button,input,a{min-height:24px;min-width:24px}a{display:inline-block}button,input{border:2px solid #6b7680}:focus-visible{outline:3px solid #10141a}</style>`;
const page = (main, head = "") => `<!doctype html>
<html lang="id">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Contoh – Suluh</title>
${style}${head}
</head>
<body>
<header><a href="/">Suluh</a></header>
<main><h1>Contoh</h1>${main}</main>
</body>
</html>
`;
const stack = (cell) => page(`<table><thead><tr><th scope="col">Tenggat</th></tr></thead><tbody><tr>${cell}</tr></tbody></table>`,
  `<style>@media (max-width:60em){tr,td{display:block}td[data-h]::before{content:attr(data-h) ": "/""}}</style>`);
const good = page(`
<form method="post" action="/kirim">
<label for="nama">Apa yang terjadi?</label>
<p id="nama-h">Boleh dikosongkan</p>
<input type="text" id="nama" name="nama" aria-describedby="nama-h">
<fieldset><legend>Pilih satu</legend>
<label for="r1">Satu</label> <input type="radio" id="r1" name="r" value="1">
<label for="r2">Dua</label> <input type="radio" id="r2" name="r" value="2">
</fieldset>
<button>Kirim</button>
</form>`);

describe("checks", () => {
  let browser, engine, person, server, html;
  before(async () => {
    server = createServer((_, response) => response.setHeader("content-type", "text/html; charset=utf-8").end(html));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    browser = await launch();
    engine = await Chromium.open(browser, { javaScriptEnabled: true });
    person = new Person(engine);
  });
  after(async () => { await browser.close(); server.close(); server.closeAllConnections(); });
  const show = async (source) => { html = source; await person.open(`http://127.0.0.1:${server.address().port}/`); };

  test("a good page passes them all", async () => {
    await show(good);
    assert.deepEqual(await checks.accessible(engine.page), []);
    assert.deepEqual(await checks.accessibleInTheDark(engine.page), []);
    assert.deepEqual(await checks.valid(good), []);
    for (const check of [checks.narrow, checks.stacked, checks.targets, checks.forcedColors, checks.zoomed]) assert.deepEqual(await check(engine.page), [], check.name);
    assert.deepEqual(await checks.named(engine.page, "id"), []);
    assert.deepEqual(await checks.byKeyboard(person), []);
  });

  test("a stacked table passes", async () => {
    const html = stack(`<td data-h="Tenggat">besok</td>`);
    await show(html);
    for (const check of [checks.narrow, checks.stacked, checks.zoomed]) assert.deepEqual(await check(engine.page), [], check.name);
    assert.deepEqual(await checks.valid(html), []);
  });

  const bad = {
    "a field without a label": [page(`<input type="text">`), (p) => checks.accessible(p), /label/],
    "pale text": [page(`<p>Pucat</p>`, `<style>p{color:#bbb}</style>`), (p) => checks.accessible(p), /color-contrast/],
    "pale text in the dark": [page(`<p>Pucat</p>`, `<style>@media (prefers-color-scheme:dark){p{color:#bbb}}</style>`),
      async (p) => [...await checks.accessible(p), ...await checks.accessibleInTheDark(p)], /^dark: color-contrast/],
    "markup that is not valid": [page(`<p><div>a</div></p>`), (_, h) => checks.valid(h), /close-order|parser|element-permitted|implicit-close/],
    "two of the same id": [page(`<p id="a">a</p><p id="a">b</p>`), (_, h) => checks.valid(h), /no-dup-id/],
    "something wider than 320 px": [page(`<p>Lebar</p>`, `<style>p{width:400px}</style>`), (p) => checks.narrow(p), /^320 px: /],
    "something too wide when spaced": [page(`<p>${"Kata".repeat(8)}</p>`, `<style>p{font:16px monospace;width:max-content}</style>`), (p) => checks.narrow(p), /wide spacing/],
    "text that is cut off": [page(`<p>${"Kata panjang ".repeat(40)}</p>`, `<style>p{height:40px;overflow:hidden}</style>`), (p) => checks.narrow(p), /cut off/],
    "a table that only a mouse scrolls": [page(`<div class="tw"><table><tr><td>Kotak</td></tr></table></div>`, `<style>.tw{overflow-x:auto}td{padding:0 300px}</style>`), (p) => checks.narrow(p), /^320 px: could scroll/],
    "a table that has to be scrolled": [page(`<section class="tw" tabindex="0" aria-labelledby="a"><table><caption id="a">Daftar</caption><tr><td>Kotak</td></tr></table></section>`, `<style>.tw{overflow-x:auto}td{padding:0 300px}</style>`), (p) => checks.narrow(p), /^320 px: scrolls by itself/],
    "a stacked cell with another column's name": [stack(`<td data-h="Status">besok</td>`), (p) => checks.stacked(p), /“Tenggat” has “Status” before it/],
    "a stacked cell without a name": [stack(`<td>besok</td>`), (p) => checks.stacked(p), /“Tenggat” has “” before it/],
    "a table with a word beside it": [page(`<section class="tw" tabindex="0" aria-label="Daftar"><table><tr><td>Kotak<b>tersembunyi</b></td></tr></table></section>`, `<style>.tw{overflow-x:auto}td{padding:0 300px}b{position:absolute}</style>`), (p) => checks.narrow(p), /^320 px: .* px wide/],
    "a small button": [page(`<button class="k">x</button>`, `<style>.k{min-height:0;min-width:0;height:20px}</style>`), (p) => checks.targets(p), /× 20 px/],
    "a button without a border": [page(`<button>Kirim</button>`, `<style>button{border:0;appearance:none}</style>`), (p) => checks.forcedColors(p), /no border/],
    "text cut at 400 %": [page(`<p>${"Panjang".repeat(20)}</p>`), (p) => checks.zoomed(p), /^400 %/],
    "another language": [good.replace(`lang="id"`, `lang="en"`), (p) => checks.named(p, "id"), /lang is en/],
    "a level left out": [page(`<h3>Tiga</h3>`), (p) => checks.named(p, "id"), /h3 after h1/],
    "half-made text": [page(`<p>&lt;no value></p>`), (p) => checks.named(p, "id"), /half-made/],
    "an order of its own": [page(`<a href="/a" tabindex="2">a</a><a href="/b" tabindex="1">b</a>`), () => checks.byKeyboard(person), /Tab came to/],
    "a focus that nobody sees": [page(`<button>Kirim</button>`, `<style>button:focus-visible{outline:none}</style>`), () => checks.byKeyboard(person), /cannot be seen/],
    "a focus under something": [page(`<button>Kirim</button><div class="atas">x</div>`, `<style>.atas{position:fixed;inset:0}</style>`), () => checks.byKeyboard(person), /covered/],
    "a focus outside the window": [page(`<button class="k">Kirim</button>`, `<style>.k{position:fixed;left:-300px}</style>`), () => checks.byKeyboard(person), /outside/],
  };
  for (const [name, [source, check, want]] of Object.entries(bad)) {
    test(`finds ${name}`, async () => {
      await show(source);
      const wrong = await check(engine.page, source);
      assert.ok(wrong.some((w) => want.test(w)), `got ${JSON.stringify(wrong)}`);
    });
  }

  test("finds headers that are missing, weak or too many", () => {
    const fine = {
      "x-content-type-options": "nosniff", "referrer-policy": "same-origin", "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin", "permissions-policy": "camera=()", "content-security-policy": "default-src 'none'; style-src 'sha256-x'",
      "cache-control": "no-store", "content-type": "text/html; charset=utf-8",
    };
    assert.deepEqual(checks.headers(fine), []);
    for (const name of Object.keys(fine)) assert.equal(checks.headers({ ...fine, [name]: "" }).length, 1, name);
    assert.match(checks.headers({ ...fine, "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'" })[0], /unsafe-inline/);
    const script = { ...fine, "content-security-policy": `${fine["content-security-policy"]}; script-src 'self'; connect-src 'self'; worker-src 'self'; trusted-types suluh` };
    assert.deepEqual(checks.headers(script, { script: true }), []);
    assert.equal(checks.headers(script).length, 1);
    assert.equal(checks.headers(fine, { script: true }).length, 1);
    assert.match(checks.headers({ ...fine, "set-cookie": "a=b" })[0], /set-cookie/);
  });

  test("the tree says role, name, level, description and state", async () => {
    await show(good);
    assert.equal(await tree(engine.page), `page “Contoh – Suluh”
  banner
    link “Suluh”
  main
    heading “Contoh” level 1
    form
      Boleh dikosongkan
      textbox “Apa yang terjadi?” – Boleh dikosongkan
      group “Pilih satu”
        radio “Satu” not checked
        radio “Dua” not checked
      button “Kirim”
`);
  });
});
