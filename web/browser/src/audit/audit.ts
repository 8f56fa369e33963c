// The auditors' page checks the log again in the browser, and says so beside
// what its server says. Everything works without this script.
//
// It reads the log's files from the page's own origin, with the access that the
// page has, and shows nothing of a record. It keeps one thing in the browser's
// storage, and for auditors alone: the last tree that it has found whole, so
// that a log which is cut back or exchanged later shows. Whoever only looks at
// the public verdict leaves no trace.

import type { Bytes } from "../core/bytes.js";
import { type Asked, check, type Seen, type Shown } from "./check.js";
import { Fault } from "./fault.js";

interface Config extends Asked {
  remember: boolean;
  record: string; // path of the page of a record, which follows it; "" if this visitor may see none
}

const place = document.getElementById("ulang")!;
const config = JSON.parse(place.dataset.config!) as Config;
const words = JSON.parse(place.dataset.words!) as Record<string, string>;
const slot = "suluh-audit";

const number = (n: number): string => n.toLocaleString(document.documentElement.lang);
const word = (key: string, values: Record<string, string | number> = {}): string =>
  Object.entries(values).reduce((s, [name, v]) => s.replace(`{${name}}`, typeof v === "number" ? number(v) : v), words[key]!);

function element<K extends keyof HTMLElementTagNameMap>(name: K, parent: Element, text = ""): HTMLElementTagNameMap[K] {
  const e = document.createElement(name);
  e.textContent = text;
  parent.append(e);
  return e;
}

async function get(path: string): Promise<Bytes> {
  const r = await fetch("/" + path, { cache: "no-store" }); // what is served now is what is checked
  if (r.status === 404) throw new Fault("missing", { path });
  if (!r.ok) throw new Error("it can't be read");
  return new Uint8Array(await r.arrayBuffer());
}

/** What this browser has seen of this log; storage may be off. */
function remembered(): Seen | null {
  try {
    return config.remember ? (JSON.parse(localStorage.getItem(slot) ?? "null") as Seen | null) : null;
  } catch {
    return null;
  }
}

function remember(seen: Seen | null): boolean {
  if (!config.remember) return false;
  try {
    if (seen) localStorage.setItem(slot, JSON.stringify(seen));
    else localStorage.removeItem(slot);
    return true;
  } catch {
    return false;
  }
}

function good(box: HTMLElement, shown: Shown, seen: Seen | null): void {
  box.className = "box ok";
  const say = (key: string, values?: Record<string, string | number>) => element("p", box, word(key, values));
  const all = shown.hashes === shown.size;
  if (config.entries) say(all ? "all" : "some", { n: shown.entries, all: shown.size });
  else say(all ? "hashes" : "someHashes", { n: shown.hashes, all: shown.size });
  if (shown.signatures > 0) say("signatures", { n: shown.signatures });
  if (shown.witnesses) say(shown.witnesses.size > 0 ? "witnesses" : "unwitnessed", { by: shown.witnesses.by, of: shown.witnesses.of, n: shown.witnesses.size });
  const kept = remember({ key: config.key, size: shown.size, root: shown.root });
  if (kept) say(seen ? "continues" : "first", { n: seen?.size ?? 0 });
  say("same");
}

function bad(box: HTMLElement, fault: Fault): void {
  box.className = "box err";
  element("strong", element("p", box), word("bad"));
  element("p", box, word(fault.kind));
  const { record, path } = fault.place;
  if (record !== undefined) {
    const p = element("p", box);
    if (config.record) element("a", p, word("record", { n: record })).href = config.record + record;
    else p.textContent = word("record", { n: record });
  } else if (path) {
    element("code", element("p", box, word("file") + " "), path);
  }
  element("p", box, word("do"));
  if (["shrunk", "fork", "key"].includes(fault.kind) && config.remember) {
    // A log that was restored can be told from one that was exchanged by people alone.
    element("p", box, word("restored"));
    const again = element("button", element("p", box), word("anew"));
    again.className = "sec";
    again.type = "button";
    again.addEventListener("click", () => {
      remember(null);
      void run();
    });
  }
}

async function run(): Promise<void> {
  place.replaceChildren();
  element("h2", place, word("title"));
  const box = element("div", place);
  box.setAttribute("role", "status");
  const bar = element("progress", place);
  bar.setAttribute("aria-label", word("running"));
  const seen = remembered();
  const again = () => check(config, seen, get, (done, of) => {
    bar.max = of;
    bar.value = done;
  });
  try {
    // Once the log has grown, a folder of it has a partial tile no more.
    const shown = await again().catch((e) => (e instanceof Fault && e.kind === "missing" ? again() : Promise.reject(e)));
    bar.remove();
    good(box, shown, seen);
  } catch (e) {
    bar.remove();
    box.replaceChildren();
    if (e instanceof Fault) {
      bad(box, e);
    } else {
      box.className = "box warn";
      element("p", box, word("unread"));
    }
  }
}

void run();
