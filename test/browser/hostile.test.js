// A report full of script and markup, read at the desk in a browser that would run it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chromium, launch } from "./lib/chromium.js";
import { startDemo } from "./lib/demo.js";
import { Person } from "./lib/person.js";
import { words } from "./lib/words.js";
import { codeOf } from "./tours/intake.js";
import { unlock } from "./tours/desk.js";

const attack = (n) => `"'><script>window.ran=${n}</script><img src=x onerror="window.ran=${n}"><svg onload="window.ran=${n}">` +
  `<iframe srcdoc="<script>parent.ran=${n}</script>"></iframe><a href="javascript:window.ran=${n}">klik</a><style>@import "http://127.0.0.1:1/x"</style>` +
  `</textarea></title></style></bdi><base href="http://127.0.0.1:1/"><meta http-equiv="refresh" content="0;url=http://127.0.0.1:1/">\u202egnp.exe\u0007`;

let demo, browser, engine, person, folder;
const elsewhere = [];
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-files-"));
  demo = await startDemo();
  browser = await launch();
  engine = await Chromium.open(browser, { javaScriptEnabled: true });
  person = new Person(engine);
  const ours = new Set([demo.intake, demo.desk, demo.audit].map((url) => new URL(url).origin));
  // The pages' own script doesn't arrive: here is about what others could bring in.
  await engine.page.route("**/peramban/app.js", (route) => route.abort());
  engine.page.on("request", (r) => {
    const { origin, pathname } = new URL(r.url());
    if (!ours.has(origin) || !r.isNavigationRequest() && pathname !== "/peramban/app.js") elsewhere.push(r.url());
  });
});
after(async () => {
  await browser?.close();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// harmless holds for the page that is open.
async function harmless() {
  assert.equal(await person.evaluate(() => window.ran), undefined, "script of a report ran");
  assert.deepEqual(await person.evaluate(() => [...document.querySelectorAll("script:not([src='/peramban/app.js']), img, svg, iframe, base, meta[http-equiv], main style, a[href^='javascript']")].map((e) => e.outerHTML)), []);
  assert.deepEqual(elsewhere, []);
}

test("the browser obeys the policy: even script that got into a page would not run", async () => {
  await person.open(demo.intake);
  const ran = await person.evaluate(async () => {
    const script = document.createElement("script");
    try { script.textContent = "window.ran = 1"; } catch { return "refused"; }
    document.body.append(script);
    const image = document.createElement("img");
    image.setAttribute("onerror", "window.ran = 2");
    image.src = "data:,";
    document.body.append(image);
    await new Promise((resolve) => image.addEventListener("error", () => setTimeout(resolve)));
    return window.ran ?? "did not run";
  });
  assert.match(String(ran), /refused|did not run/);
});

test("hostile words and file names are shown as text, to the reporter and at the desk", async () => {
  const w = words("id");
  const file = join(folder, `x"><img src=x onerror=window.ran=9>.html`);
  writeFileSync(file, attack(10));
  await person.open(demo.intake + "lapor/tulis");
  await person.choose("Tidak. Inspektorat Provinsi");
  const fields = ["apa", "bagaimana", "mengapa", "siapa", "mana", "kapan", "rugi", "saksi", "sudah"];
  for (const [n, name] of fields.entries()) await person.fill(w(`intake.field.${name}`), `Serangan ${n} ${attack(n + 1)}`);
  await person.click(w("intake.write.next"));
  await harmless();
  assert.match(await person.text(), /<script>window\.ran=1<\/script>/);
  await person.click(w("intake.check.back"));
  await harmless();
  await person.click(w("intake.write.next"));
  await person.attach(w("intake.file"), file);
  await person.click(w("intake.check.send"));
  const code = await codeOf(person);
  assert.equal(code.length, 10);

  await unlock(person, { demo, path: "", w }, "penelaah-satu");
  await harmless();
  await person.click("Serangan 0");
  await harmless();
  const text = await person.text();
  for (const n of fields.keys()) assert.ok(text.includes(`window.ran=${n + 1}</script>`), `field ${n} is not shown`);
  assert.ok(text.includes("onerror=window.ran=9>.html"), "the file's name is not shown");
  await person.click(w("desk.reply.link"));
  await person.fill(w("desk.reply.label"), attack(20));
  await person.click(w("desk.reply.button"));
  await harmless();
  await person.click(w("desk.check.send"));
  await harmless();
  await person.click(w("desk.nav.inbox"));
  await person.click("Serangan 0");
  await person.click(`${w("desk.file.link")} lampiran 1`);
  const { name, bytes } = await person.download(w("desk.download.button"));
  assert.equal(name, "lampiran-1.bin");
  assert.equal(bytes.toString(), attack(10));
  await harmless();

  await person.open(demo.intake + "cek");
  await person.fill(w("intake.open.label"), code.join(" "));
  await person.click(w("intake.open.button"));
  assert.match(await person.text(), /window\.ran=20/);
  await harmless();
});
