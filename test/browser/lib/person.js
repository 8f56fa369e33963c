// What a person does in a browser, the same in Chromium and in Firefox: opens a page,
// presses what has certain words on it, fills the field under a label, reads.
import { setTimeout as sleep } from "node:timers/promises";

const patience = 60_000;

// until waits for a condition instead of a time.
export async function until(what, condition) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) { last = error; }
    if (Date.now() > end) throw new Error(`waited too long for ${what}`, { cause: last });
    await sleep(20);
  }
}

export class Person {
  #left = 0;
  constructor(engine) { this.engine = engine; }

  evaluate(fn, argument) { return this.engine.evaluate(fn, argument); }

  // load does something that brings another page and waits until that is there: another
  // document, or with script another heading in the same. The mark is on the page that is
  // left, numbered, since Back may bring it again.
  async load(action) {
    const mark = String(++this.#left);
    await this.evaluate((mark) => (document.querySelector("h1") ?? document.documentElement).setAttribute("data-left", mark), mark);
    await action();
    await until("the next page", () => this.evaluate((mark) =>
      // Between two pages Firefox may show an empty one that has nothing of either.
      document.readyState === "complete" && document.URL !== "about:blank" && document.title && (document.querySelector("h1") ?? document.documentElement).getAttribute("data-left") !== mark, mark));
  }

  open(url) { return this.engine.open(url); }
  back() { return this.load(() => this.engine.back()); }
  reload() { return this.load(() => this.engine.reload()); }
  press(key) { return this.engine.press(key); }

  async #find(kind, name) {
    const element = await this.engine.find(kind, name);
    if (!element) throw new Error(`no ${kind} “${name}” on “${await this.title()}”:\n${await this.text()}`);
    return element;
  }
  async click(name) {
    const element = await this.#find("button", name);
    await this.load(() => this.engine.click(element));
  }
  async expand(name) { await this.engine.click(await this.#find("button", name)); }
  async choose(label) { await this.engine.click(await this.#find("field", label)); }
  async fill(label, text) { await this.engine.fill(await this.#find("field", label), text); }
  async select(label, text) { await this.engine.select(await this.#find("field", label), text); }
  async attach(label, paths) { await this.engine.attach(await this.#find("field", label), paths); }
  async download(name) { return this.engine.download(await this.#find("button", name)); }
  async has(kind, name) { return Boolean(await this.engine.find(kind, name)); }

  async value(label) { return this.engine.property(await this.#find("field", label), "value"); }
  async chosen(label) { return this.engine.property(await this.#find("field", label), "checked"); }
  title() { return this.evaluate(() => document.title); }
  url() { return this.evaluate(() => location.href); }
  heading() { return this.evaluate(() => document.querySelector("h1")?.innerText ?? ""); }
  text() { return this.evaluate(() => document.body.innerText); }
}
