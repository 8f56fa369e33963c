// Every page of every surface in one language: accessible (axe, WCAG 2.2 AA) in light
// and dark, valid, narrow, large, in forced colours, by keyboard, in a text browser, with
// its headers, and as a screen reader has it (golden/). Pictures go to build/browser.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Chromium, launch } from "./chromium.js";
import { startDemo, startYear } from "./demo.js";
import { Look } from "./look.js";
import { Person } from "./person.js";
import { words } from "./words.js";
import { auditor } from "../tours/auditor.js";
import { desk } from "../tours/desk.js";
import { forward } from "../tours/forward.js";
import { answered, busy, closed, intake, split, told } from "../tours/intake.js";

export function pages(language) {
  let demo, year, browser, folder, files;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "suluh-files-"));
    files = { text: join(folder, "hitungan.csv"), empty: join(folder, "kosong.txt") };
    writeFileSync(files.text, "desa,tiang\nHulu,26\n");
    writeFileSync(files.empty, "");
    demo = await startDemo();
    year = await startYear();
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await demo?.stop();
    await year?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const w = words(language);
  const path = language === "id" ? "" : `${language}/`;
  const surfaces = {
    intake: { heaviest: 30 * 1024, tour: async (l) => { await intake(l, { demo, path, w, files }); await closed(l, { demo, path, w }); } },
    desk: { tour: (l) => desk(l, { demo, path, w }) },
    auditor: { tour: (l) => auditor(l, { demo, year, path, w }) },
    busy: { tour: (l) => busy(l, { demo, path, w, files }) },
    told: { tour: (l) => told(l, { demo, path, w }) },
    forward: { tour: (l) => forward(l, { demo, path, w }) },
    answered: { tour: (l) => answered(l, { demo, path, w }) },
    split: { tour: (l) => split(l, { demo, path, w }) }, // last: it changes the roster
  };
  for (const [surface, { heaviest, tour }] of Object.entries(surfaces)) {
    test(`every page of ${surface}, ${language}`, async (t) => {
      // Scripts are on for axe alone. Those of pages do not arrive: device.*.test.js and again.test.js are
      // about what they make of pages.
      const engine = await Chromium.open(browser, { javaScriptEnabled: true, colorScheme: "light" });
      await engine.page.route("**/peramban/*.js", (route) => route.abort());
      t.after(() => engine.close());
      const look = new Look(t, new Person(engine), { language, surface, heaviest });
      await tour(look);
      look.writeIncomplete();
    });
  }
}
