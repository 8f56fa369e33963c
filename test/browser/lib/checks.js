// What must hold on every page. Each check takes a Chromium page and returns what is
// wrong, a line each; test/browser/checks.test.js shows that each can fail.
import axe from "axe-core";
import { HtmlValidate } from "html-validate";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// accessible runs axe. Of what it cannot decide it only takes note: incomplete.
export async function accessible(page, incomplete = []) {
  await page.evaluate(axe.source);
  const result = await page.evaluate((tags) => window.axe.run({ runOnly: { type: "tag", values: tags }, resultTypes: ["violations", "incomplete"] }), tags);
  for (const { id, help, nodes } of result.incomplete) {
    for (const n of nodes) incomplete.push(`${id}: ${help}: ${n.html}`);
  }
  return result.violations.flatMap(({ id, help, nodes }) => nodes.map((n) => `${id}: ${help}: ${n.html}`));
}

// In the dark nothing but colours changes.
export async function accessibleInTheDark(page) {
  await page.emulateMedia({ colorScheme: "dark" });
  try {
    const result = await page.evaluate(() => window.axe.run({ runOnly: ["color-contrast", "link-in-text-block"], resultTypes: ["violations"] }));
    return result.violations.flatMap(({ id, nodes }) => nodes.map((n) => `dark: ${id}: ${n.html}: ${n.any.map((a) => a.message)}`));
  } finally {
    await page.emulateMedia({ colorScheme: "light" });
  }
}

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:recommended", "html-validate:a11y"],
  rules: {
    // The policy forbids style attributes; this finds one before a browser drops it.
    "no-inline-style": "error",
    // Go's templates leave blank ends of lines where an action stood.
    "no-trailing-whitespace": "off",
    "doctype-style": ["error", { style: "lowercase" }],
    // A name is repeated where a question may have several answers.
    "form-dup-name": "off",
    // A button in a form sends it: that is what we mean.
    "no-implicit-button-type": "off",
  },
});

// As a browser writes a document that a script has changed.
const written = { rules: { "attribute-boolean-style": "off", "attribute-empty-style": "off", "doctype-style": "off" } };

export async function valid(html, { script = false } = {}) {
  const report = await validator.validateString(html, script ? written : undefined);
  return report.results.flatMap((r) => r.messages.map((m) => `${m.ruleId}: ${m.message} (line ${m.line}: ${html.split("\n")[m.line - 1].trim().slice(0, 120)})`));
}

// narrow: at 320 px nothing makes the page or a part of it scroll sideways (WCAG 1.4.10), not
// even with the widest spacing that a reader may ask for (1.4.12). What could scroll by itself,
// such as a table's region around a very long word, is reachable by keyboard and has a name.
export async function narrow(page) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const wrong = await page.evaluate(tooWide, "320 px");
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}p{margin-block-end:2em!important}");
    document.adoptedStyleSheets = [sheet];
  });
  wrong.push(...await page.evaluate(tooWide, "320 px and wide spacing"));
  await page.evaluate(() => { document.adoptedStyleSheets = []; });
  await page.setViewportSize(size);
  return wrong;
}

function tooWide(where) {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const widest = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 0.5 && !e.closest("section[tabindex='0']"));
    wrong.push(`${where}: ${root.scrollWidth} px wide: ${widest.slice(-3).map((e) => e.outerHTML.slice(0, 100))}`);
  }
  for (const e of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(e);
    const could = /auto|scroll/.test(style.overflowX) && !e.matches("textarea, input");
    if (could && e.scrollWidth > e.clientWidth + 1) wrong.push(`${where}: scrolls by itself: ${e.outerHTML.slice(0, 120)}`);
    if (could && !e.matches("section[tabindex='0'][aria-labelledby]"))
      wrong.push(`${where}: could scroll, without a name or the keyboard: ${e.outerHTML.slice(0, 120)}`);
    const hidden = style.overflow !== "visible" && !/auto|scroll/.test(style.overflow + style.overflowX) && style.clipPath === "none";
    if (hidden && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1) && !e.matches("textarea, input, select, option"))
      wrong.push(`${where}: text is cut off: ${e.outerHTML.slice(0, 120)}`);
  }
  return wrong;
}

// stacked: where the window is so narrow that a table's rows are blocks, each cell has before it
// the name of its column, which stands above it no more.
export async function stacked(page) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const wrong = await page.evaluate(() => [...document.querySelectorAll("td")]
    .filter((td) => getComputedStyle(td).display !== "table-cell" && td.colSpan === 1)
    .flatMap((td) => {
      const column = td.closest("table").tHead.rows[0].cells[td.cellIndex].textContent.trim();
      const before = getComputedStyle(td, "::before").content === "none" ? "" : td.dataset.h;
      return before === column ? [] : [`a cell of “${column}” has “${before}” before it: ${td.outerHTML.slice(0, 120)}`];
    }));
  await page.setViewportSize(size);
  return wrong;
}

// Targets are at least 24 by 24 px, unless they stand in a line of text (WCAG 2.5.8).
export function targets(page) {
  return page.evaluate(() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
    .filter((e) => e.getClientRects().length && !e.matches(".skip"))
    .filter((e) => {
      const { width, height } = e.getBoundingClientRect();
      const inText = getComputedStyle(e).display === "inline" && e.parentElement.textContent.trim() !== e.textContent.trim();
      return (width < 24 || height < 24) && !inText;
    })
    .map((e) => `target of ${Math.round(e.getBoundingClientRect().width)} × ${Math.round(e.getBoundingClientRect().height)} px: ${e.outerHTML.slice(0, 120)}`));
}

// In forced colours (high contrast) a button, a box and a tag are told by their border.
export async function forcedColors(page) {
  await page.emulateMedia({ forcedColors: "active" });
  try {
    return await page.evaluate(() => [...document.querySelectorAll("button, .btn, .box, .tag, input:not([type=hidden],[type=radio],[type=checkbox]), select, textarea")]
      .filter((e) => e.getClientRects().length)
      .filter((e) => {
        const s = getComputedStyle(e);
        const ground = getComputedStyle(document.body).backgroundColor;
        return !["top", "right", "bottom", "left"].every((side) => parseFloat(s[`border-${side}-width`]) >= 1.9 && s[`border-${side}-style`] !== "none" && s[`border-${side}-color`] !== ground);
      })
      .map((e) => `forced colours: no border: ${e.outerHTML.slice(0, 120)}`));
  } finally {
    await page.emulateMedia({ forcedColors: "none" });
  }
}

// Large text: at 400 % of the text size alone, in a wide window, nothing is cut or lost.
export async function zoomed(page) {
  const size = page.viewportSize();
  const wrong = [];
  for (const [width, name] of [[640, "200 %"], [320, "400 %"]]) {
    await page.setViewportSize({ width, height: Math.round(1024 * width / 1280) });
    wrong.push(...await page.evaluate(tooWide, name));
  }
  await page.setViewportSize(size);
  return wrong;
}

// named: what a page says of itself in its head and its first lines.
export function named(page, language) {
  return page.evaluate((language) => {
    const wrong = [];
    const h1 = [...document.querySelectorAll("h1")];
    if (document.documentElement.lang !== language) wrong.push(`lang is ${document.documentElement.lang}`);
    if (h1.length !== 1) wrong.push(`${h1.length} h1`);
    if (!document.title.trim()) wrong.push("no title");
    const levels = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map((h) => +h.tagName[1]);
    levels.forEach((l, i) => { if (l > (levels[i - 1] ?? 0) + 1) wrong.push(`h${l} after h${levels[i - 1] ?? 0}`); });
    const visible = document.body.innerText;
    if (/\{\{|<no value>|%!|undefined|\bNaN\b|\[object/.test(visible)) wrong.push(`half-made text: ${visible.match(/.{0,30}(\{\{|<no value>|%!|undefined|\bNaN\b|\[object).{0,30}/)[0]}`);
    return wrong;
  }, language);
}

const wanted = {
  "x-content-type-options": /^nosniff$/,
  "referrer-policy": /^same-origin$/,
  "cross-origin-opener-policy": /^same-origin$/,
  "cross-origin-resource-policy": /^same-origin$/,
  "permissions-policy": /camera=\(\)/,
  "content-security-policy": /^default-src 'none';/,
  "cache-control": /^(no-store|no-cache)$/,
  "content-type": /^text\/html; charset=utf-8$/,
};

// scripted is all that the policy of a page with a script allows beyond that of others.
const scripted = "; script-src 'self'; connect-src 'self'; worker-src 'self'; trusted-types suluh";

// headers: the browser is told to keep the page to itself.
export function headers(all, { script = false } = {}) {
  const wrong = [];
  const policy = all["content-security-policy"] ?? "";
  if (policy.endsWith(scripted) !== script) wrong.push(`content-security-policy ${script ? "stops the script" : "allows a script"}: ${policy}`);
  for (const [name, value] of Object.entries(wanted)) {
    if (!value.test(all[name] ?? "")) wrong.push(`${name}: ${all[name]}`);
  }
  if (/script-src|unsafe-|https?:|\*/.test(policy.replace(scripted, ""))) wrong.push(`content-security-policy: ${all["content-security-policy"]}`);
  for (const name of ["set-cookie", "server", "x-powered-by", "etag", "last-modified"]) {
    if (all[name]) wrong.push(`${name}: ${all[name]}`);
  }
  return wrong;
}

// byKeyboard presses Tab from where the page puts the focus to its end. Each stop comes
// in the order of the document, has a ring of at least 2 px, lies inside the window and
// under nothing else. It takes a Person: Firefox can do it too.
export async function byKeyboard(person) {
  const wrong = [];
  let { next, count } = await person.evaluate(keyboardStop);
  if (count === 0) return ["nothing to press"];
  for (; next < count; next++) {
    await person.press("Tab");
    const stop = await person.evaluate(keyboardStop);
    wrong.push(...stop.wrong);
    if (stop.at !== next) return [...wrong, `Tab came to stop ${stop.at} instead of ${next} of ${count}: ${stop.name}`];
  }
  return wrong;
}

// keyboardStop runs in the page. It lists where Tab should stop, in the document's
// order (of a group of radios only once), and looks at the stop that has the focus.
export function keyboardStop() {
  const seen = new Set();
  const stops = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter((e) => {
    const closed = e.closest("details:not([open])");
    if (closed && !(e.tagName === "SUMMARY" && e.parentElement === closed)) return false;
    if (!e.getClientRects().length || e.disabled) return false;
    if (e.type !== "radio") return true;
    const chosen = [...document.getElementsByName(e.name)].find((r) => r.checked);
    if (chosen) return e === chosen;
    if (seen.has(e.name)) return false;
    return seen.add(e.name);
  });
  const e = document.activeElement;
  const name = e.outerHTML.replace(/\s+/g, " ").slice(0, 120);
  const following = stops.findIndex((s) => e.compareDocumentPosition(s) & Node.DOCUMENT_POSITION_FOLLOWING);
  const result = { count: stops.length, at: stops.indexOf(e), next: e === document.body ? 0 : following < 0 ? stops.length : following, name, wrong: [] };
  const style = getComputedStyle(e);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) result.wrong.push(`focus cannot be seen (${style.outlineStyle}, ${style.outlineWidth}): ${name}`);
  const box = e.getClientRects()[0];
  // Of a large text field or a table a browser brings only a part into the window.
  const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
  const enough = e.matches("textarea, section") ? 24 : Math.min(box.height, innerHeight) - 0.5;
  if (box.left < -0.5 || box.right > document.documentElement.clientWidth + 0.5 || bottom - top < enough)
    result.wrong.push(`focus lies outside the window (${Math.round(box.left)}, ${Math.round(box.top)}, ${Math.round(box.right)}, ${Math.round(box.bottom)}): ${name}`);
  else {
    const under = document.elementFromPoint(box.left + box.width / 2, (top + bottom) / 2);
    if (!e.contains(under)) result.wrong.push(`focus is covered by ${under?.outerHTML.slice(0, 60)}: ${name}`);
  }
  return result;
}
