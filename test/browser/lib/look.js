// Looks at one page after the other: every check, the tree that a screen reader has, the
// text browser's view, and a picture for people.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as checks from "./checks.js";
import { until } from "./person.js";
import { tree } from "./tree.js";

const golden = new URL("../golden/", import.meta.url).pathname;
export const build = new URL("../../../build/browser/", import.meta.url).pathname;

// Look is a Person's way through a surface, on which each page is looked at.
export class Look {
  #titles = new Map();
  incomplete = [];
  requests = [];
  secret = []; // words that differ each time; in golden files ‹word›

  // Of pages that a script makes there is no answer to look at, and no text browser shows them.
  constructor(t, person, { language, surface, heaviest = Infinity, script = false }) {
    Object.assign(this, { t, person, language, surface, heaviest, script });
    this.page = person.engine.page;
    this.page.on("request", (request) => this.requests.push(request));
    this.page.on("response", (response) => {
      if (response.request().isNavigationRequest()) this.response = response;
    });
  }

  // at looks at the page that is open. A name such as "case/replied" is a page in
  // another state: it may have the title that "case" has.
  async at(name, { status = 200, focus } = {}) {
    const { page, person, response } = this;
    await this.t.test(`${this.language} ${this.surface} ${name}`, async () => {
      if (process.env.SULUH_UPDATE) return this.#golden(name, this.#mask(await tree(page)));
      // Taking a picture leaves empty attributes in a document.
      const html = this.script ? (await page.content()).replaceAll(' style=""', "") : await response.text();
      const wrong = [];
      const take = (check, found) => wrong.push(...found.map((w) => `${check}: ${w}`));

      // A browser moves the focus to what has autofocus shortly after it has loaded a page.
      if (focus !== undefined) {
        await until(`the focus on “${focus}”`, () => page.evaluate((focus) => document.activeElement !== document.body && document.activeElement.innerText.includes(focus), focus));
      }
      if (!this.script) {
        if (response.status() !== status) wrong.push(`status ${response.status()}`);
        take("headers", checks.headers(response.headers(), { script: html.includes("<script ") }));
        take("requests", this.#requested());
        take("lynx", await this.#text(html));
      }
      take("html", await checks.valid(html, this));
      take("name", await checks.named(page, this.language));
      take("title", this.#title(name, await page.title()));
      if (Buffer.byteLength(html) > this.heaviest) wrong.push(`${Buffer.byteLength(html)} bytes`);
      const incomplete = [];
      take("axe", await checks.accessible(page, incomplete));
      this.incomplete.push(...incomplete.map((i) => `${this.language} ${this.surface} ${name}: ${i}`));
      take("axe", await checks.accessibleInTheDark(page));
      take("narrow", await checks.narrow(page));
      take("stacked", await checks.stacked(page));
      take("targets", await checks.targets(page));
      take("colours", await checks.forcedColors(page));
      take("zoom", await checks.zoomed(page));
      if (process.env.SULUH_PICTURES) await this.#pictures(name);
      take("tree", this.#golden(name, this.#mask(await tree(page))));
      take("tree at 320 px", await this.#narrowTree());
      take("keyboard", await checks.byKeyboard(person));
      assert.deepEqual(wrong, []);
    });
    this.requests = [];
  }

  // Of what is typed and shown, the words of a code differ each time; so do, at the
  // auditor's, all numbers.
  #mask(text) {
    if (this.surface === "auditor") text = text.replace(/(?<!level )\b\d+\b/g, "‹n›");
    return text.split("\n").map((line) => {
      const code = this.secret.includes(line.trim()) || line.split(/[ =-]+/).filter((word) => this.secret.includes(word.toLowerCase())).length > 5;
      if (!code) return this.secret.reduce((l, word) => l.replaceAll(`“${word}”`, "“‹word›”"), line);
      return line.replace(/(= .*|\S+)$/, (shown) => shown.startsWith("= ") ? "= ‹code›" : "‹word›");
    }).join("\n");
  }

  #title(name, title) {
    const before = this.#titles.get(title);
    if (before && before.split("/")[0] !== name.split("/")[0]) return [`“${title}” is also the title of ${before}`];
    this.#titles.set(title, name);
    return [];
  }

  // One page is one request, to where it came from, without a cookie; two forms and the
  // verdict load a script besides.
  #requested() {
    const { origin } = new URL(this.page.url());
    return this.requests.filter((r) => !(r.isNavigationRequest() || [`${origin}/peramban/app.js`, `${origin}/peramban/audit.js`].includes(r.url())) || new URL(r.url()).origin !== origin).map((r) => r.url());
  }

  async #text(html) {
    const squeeze = (text) => text.replace(/[\s_*·•+#-]+/g, "");
    const dump = squeeze(execFileSync("lynx", ["-dump", "-nolist", "-nonumbers", "-width=120", "-assume_charset=utf-8", "-display_charset=utf-8", "-force_html", "-stdin"],
      { input: html, encoding: "utf8", maxBuffer: 1 << 26 }));
    const blocks = await this.page.evaluate(() => [...document.querySelectorAll("h1,h2,h3,p,li,dt,dd,th,td,label,legend,summary,caption,button")]
      .filter((e) => e.getClientRects().length && !e.querySelector("p,li,button,select,textarea,dl,ul,ol,table,details,form,h3"))
      .map((e) => e.innerText).filter((text) => text.trim()));
    const missing = [];
    let from = 0;
    for (const block of blocks) {
      const at = dump.indexOf(squeeze(block), from);
      if (at < 0) missing.push(`not in its place: ${block.slice(0, 100)}`);
      else from = at;
    }
    return missing;
  }

  // A screen reader has the same page in a narrow window: a table whose rows are blocks is one still.
  async #narrowTree() {
    const { page } = this;
    const size = page.viewportSize();
    const wide = (await tree(page)).split("\n");
    await page.setViewportSize({ width: 320, height: 640 });
    const narrow = (await tree(page)).split("\n");
    await page.setViewportSize(size);
    const at = narrow.findIndex((line, i) => line !== wide[i]);
    return at < 0 && wide.length === narrow.length ? [] : [`“${narrow[at] ?? ""}” instead of “${wide[at] ?? ""}”`];
  }

  async #pictures(name) {
    for (const width of [320, 1280]) {
      await this.page.setViewportSize({ width, height: 900 });
      await this.page.screenshot({ path: `${build}screenshots/${this.language}/${this.surface}-${name.replaceAll("/", "-")}-${width}.png`, fullPage: true });
    }
  }

  #golden(name, got) {
    const file = `${golden}${this.language}/${this.surface}-${name.replaceAll("/", "-")}.txt`;
    if (process.env.SULUH_UPDATE) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, got);
      return;
    }
    const want = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    const lines = got.split("\n");
    const at = lines.findIndex((line, i) => line !== want[i]);
    if (at < 0 && want.length === lines.length) return [];
    const i = at < 0 ? lines.length : at;
    return [`line ${i + 1} of ${file.slice(golden.length)} is “${want[i] ?? ""}”, the page has “${lines[i] ?? ""}” (make golden writes it anew)`];
  }

  writeIncomplete() {
    mkdirSync(build, { recursive: true });
    writeFileSync(`${build}axe-incomplete-${this.language}-${this.surface}.txt`, this.incomplete.join("\n") + "\n");
  }
}
