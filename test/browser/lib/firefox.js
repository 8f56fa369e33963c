// Debian's Firefox with JavaScript off, as in Tor Browser's "Safest".
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Marionette } from "./marionette.js";
import { find } from "./find.js";
import { until } from "./person.js";

const elementKey = "element-6066-11e4-a52e-4f735466cecf";
const keys = { Tab: "\uE004", Enter: "\uE007", Space: " ", ArrowDown: "\uE015", Shift: "\uE008" };

export class Firefox {
  static async launch(prefs) {
    const engine = new Firefox();
    engine.marionette = await Marionette.launch(prefs);
    return engine;
  }

  #send(command, parameters) { return this.marionette.send("WebDriver:" + command, parameters); }

  evaluate(fn, argument) {
    return this.#send("ExecuteScript", { script: `return (${fn})(...arguments)`, args: [argument ?? null] });
  }
  open(url) { return this.#send("Navigate", { url }); }
  back() { return this.#send("Back"); }
  async reload() {
    await this.#send("Refresh");
    // A page that answers a POST is asked for again only after a question.
    await this.#send("AcceptAlert").catch((error) => { if (error.code !== "no such alert") throw error; });
  }
  press(key) {
    const value = keys[key] ?? key;
    return this.#send("PerformActions", { actions: [{ type: "key", id: "keyboard", actions: [{ type: "keyDown", value }, { type: "keyUp", value }] }] });
  }
  async type(text) { for (const letter of text) await this.press(letter); }
  async find(kind, name) { return (await this.evaluate(find, { kind, name }))?.[elementKey]; }
  click(id) { return this.#send("ElementClick", { id }); }
  async fill(id, text) {
    await this.#send("ElementClear", { id });
    if (text) await this.#send("ElementSendKeys", { id, text });
  }
  async select(id, text) {
    for (const o of await this.#send("FindElements", { element: id, using: "tag name", value: "option" })) {
      if ((await this.#send("GetElementText", { id: o[elementKey] })).trim().startsWith(text)) return this.click(o[elementKey]);
    }
    throw new Error(`no option “${text}”`);
  }
  async attach(id, paths) {
    for (const path of [paths].flat()) await this.#send("ElementSendKeys", { id, text: path });
  }
  property(id, name) { return this.#send("GetElementProperty", { id, name }); }
  async download(id) {
    await this.click(id);
    const name = await until("a download", async () => {
      const names = await readdir(this.marionette.downloads);
      return names.length === 1 && !names[0].endsWith(".part") && names[0];
    });
    const path = join(this.marionette.downloads, name);
    const bytes = await readFile(path);
    await rm(path);
    return { name, bytes };
  }
  // roles are what a screen reader is told that the elements are.
  async roles(selector) {
    const elements = await this.#send("FindElements", { using: "css selector", value: selector });
    return Promise.all(elements.map((e) => this.#send("GetComputedRole", { id: e[elementKey] })));
  }
  // zoom makes the window of 1280 px as narrow as 320 px, the way a person with low
  // vision does: 400 %.
  async zoom(factor) {
    await this.marionette.send("Marionette:SetContext", { value: "chrome" });
    await this.#send("ExecuteScript", { sandbox: "system", args: [factor], script: `
      const window = Services.wm.getMostRecentWindow("navigator:browser");
      window.FullZoom.setZoom(arguments[0], window.gBrowser.selectedBrowser);` });
    await this.marionette.send("Marionette:SetContext", { value: "content" });
    return this;
  }
  async cookies() { return (await this.#send("GetCookies")).map((c) => c.name); }
  close() { return this.marionette.close(); }
}
