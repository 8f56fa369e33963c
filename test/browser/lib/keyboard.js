// What a person does who has a keyboard alone: Tab, Enter, Space and letters. Wherever Tab
// stops the ring is seen, lies in the window and under nothing.
import assert from "node:assert/strict";
import { keyboardStop } from "./checks.js";

// focused is what a person would call the thing that has the focus. Runs in the page.
export function focused() {
  const e = document.activeElement;
  const label = e.labels?.[0]?.innerText ?? e.innerText ?? "";
  return label.replace(/\s+/g, " ").trim();
}

export class Keyboard {
  constructor(person, { most = 60 } = {}) { Object.assign(this, { person, most }); }

  async tabTo(words) {
    const { person } = this;
    let rounds = 0;
    for (let i = 0; i < this.most; i++) {
      await person.press("Tab");
      // Behind the last stop the browser's own controls come, then the page again.
      if (await person.evaluate(() => document.activeElement === document.body)) {
        if (rounds++) break;
        continue;
      }
      assert.deepEqual((await person.evaluate(keyboardStop)).wrong, []);
      if ((await person.evaluate(focused)).startsWith(words)) return;
    }
    assert.fail(`Tab does not reach “${words}” on “${await person.title()}”`);
  }
  async enter(words) {
    await this.tabTo(words);
    await this.person.load(() => this.person.press("Enter"));
  }
  async tick(words) {
    await this.tabTo(words);
    await this.person.press("Space");
  }
  async type(label, text) {
    await this.tabTo(label);
    await this.person.engine.type(text);
  }
}
