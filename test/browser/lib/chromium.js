// Debian's Chromium, by way of playwright.
import { chromium } from "playwright-core";
import { readFile } from "node:fs/promises";
import { find } from "./find.js";

export function launch() {
  // Tests run as root in CI, where Chromium's own sandbox refuses to start.
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
}

// Chromium is one page in a context of its own, in which JavaScript is off unless asked for.
export class Chromium {
  static async open(browser, { javaScriptEnabled = false, width = 1280, height = 900, ...options } = {}) {
    const engine = new Chromium();
    engine.context = await browser.newContext({ javaScriptEnabled, viewport: { width, height }, ...options });
    engine.page = await engine.context.newPage();
    engine.page.setDefaultTimeout(60_000);
    return engine;
  }

  evaluate(fn, argument) { return this.page.evaluate(fn, argument); }
  open(url) { return this.page.goto(url); }
  back() { return this.page.evaluate(() => history.back()); }
  reload() { return this.page.reload(); }
  press(key) { return this.page.keyboard.press(key); }
  type(text) { return this.page.keyboard.type(text); }
  async find(kind, name) {
    return (await this.page.evaluateHandle(find, { kind, name })).asElement();
  }
  click(element) { return element.click(); }
  fill(element, text) { return element.fill(text); }
  async select(element, text) {
    const value = await element.evaluate((select, text) => [...select.options].find((o) => o.text.trim().startsWith(text))?.value, text);
    if (value === undefined) throw new Error(`no option “${text}”`);
    await element.selectOption(value);
  }
  attach(element, paths) { return element.setInputFiles(paths); }
  async property(element, name) { return (await element.getProperty(name)).jsonValue(); }
  async download(element) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), element.click()]);
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
  }
  async cookies() { return (await this.context.cookies()).map((c) => c.name); }
  close() { return this.context.close(); }
}
