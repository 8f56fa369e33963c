// The document as it stands: the page that the server sent, and in its place
// those that follow from it. Nothing leaves the device by what is done here.

import { type Data, fill, mark, type Problem, summary, unmark } from "./fill.js";
import { Words } from "./words.js";

/** What a page has besides what its part asks for. */
export interface Head {
  title: string;
  window?: string; // the window's title where it must be another
  print?: boolean; // nothing but the words of a code is printed
  problems?: readonly Problem[];
  notice?: string;
}

const box = ".box[role=group]"; // problems, or what was just done

export class Screen {
  words!: Words;
  private parts = new Map<string, DocumentFragment>();
  private readonly main = document.getElementById("isi")!;
  form!: HTMLFormElement; // that of the page that was sent
  private title!: string;
  private depth = 0; // steps in the history since that page
  private rest!: Element[]; // what stands below that page's heading

  constructor() {
    this.take(this.main);
  }

  private take(main: HTMLElement): void {
    this.form = main.querySelector("form")!;
    this.title = main.querySelector("h1")!.textContent ?? "";
    this.rest = [...main.children].filter((e) => !e.matches(`h1, ${box}`));
  }

  get address(): HTMLElement {
    return this.rest.map((e) => (e.id === "cara" ? e : e.querySelector("#cara"))).find(Boolean) as HTMLElement;
  }

  /** Loads words and parts of pages in the page's language. */
  async load(): Promise<void> {
    const page = await fetchPage(this.address.dataset["parts"]!);
    const templates = [...page.querySelectorAll("template")];
    const words = templates.find((t) => t.id === "kata");
    if (!words) throw new Error();
    this.words = new Words(page.documentElement.lang, words);
    this.parts = new Map(templates.map((t) => [t.id.replace("bagian-", ""), t.content]));
  }

  /** A step in the history, with the name of the page that it shows, or another name for the last step. */
  push(name: string, path?: string, last = false): void {
    if (!last) this.depth++;
    history[last ? "replaceState" : "pushState"]({ name, depth: this.depth }, "", path && this.path(path));
  }

  /** The name of the page that Back or Forward leads to; "" is the one that the server sent. */
  arrive(state: unknown): string {
    const { name = "", depth = 0 } = (state ?? {}) as { name?: string; depth?: number };
    this.depth = depth;
    return name;
  }

  /** Away to another site. Nothing is left on the screen, nor for browsers to fill in where Back leads. */
  leave(href: string): void {
    this.main.replaceChildren();
    if (this.depth === 0) {
      location.replace(href);
      return;
    }
    const go = () => location.assign(href); // drops the steps ahead
    addEventListener("popstate", go, { once: true });
    setTimeout(go, 500);
    history.go(-this.depth);
  }

  /** The address of a page in the language that is shown. */
  path(p: string): string {
    return (this.words.language === "id" ? "" : `/${this.words.language}`) + p;
  }

  /** Says in which mode the page is. */
  mode(text: string): void {
    this.address.textContent = text;
  }

  /** Warns, at the page that the server sent, while witnesses have not confirmed the log. */
  warn(unwitnessed: boolean): void {
    const e = this.form.querySelector("#belum")!;
    e.textContent = unwitnessed ? this.words.t("reporter.unwitnessed") : "";
    e.className = unwitnessed ? "box warn" : "";
  }

  /** Shows the page that the server sent, with what was typed. */
  showHome(problems: readonly Problem[] = [], notice = ""): void {
    this.form.hidden = false;
    const head = this.part("kosong", { title: this.title, problems: summary(problems), notice: notice !== "" && { text: notice } });
    this.replace({ title: this.title, problems, notice }, [...head.children, ...this.rest]);
    unmark(this.form);
    problems.forEach(mark);
  }

  /**
   * Shows one of the pages that follow. The form stays in the document, where nobody sees it, with what was typed: it is
   * there again after Back.
   */
  show(part: string, head: Head, data: Data, ready: (main: HTMLElement) => void = () => {}): void {
    const page = this.part(part, { ...data, title: head.title, problems: summary(head.problems ?? []), notice: !!head.notice && { text: head.notice } });
    this.form.hidden = true;
    this.replace(head, [...page.children, this.form]);
    ready(this.main);
    head.problems?.forEach(mark);
  }

  private part(name: string, data: Data): DocumentFragment {
    const page = document.importNode(this.parts.get(name)!, true);
    fill(page, data);
    for (const e of page.querySelectorAll("[autofocus]")) e.removeAttribute("autofocus"); // replace does that
    return page;
  }

  private replace({ title, window, print, problems = [] }: Head, nodes: Element[]): void {
    this.main.replaceChildren(...nodes);
    document.body.classList.toggle("cut", print === true);
    document.title = window ?? `${problems.length > 0 ? this.words.t("page.problem.prefix", { Title: title }) : title} – ${this.words.t("page.product")}`;
    scrollTo(0, 0);
    const first = this.main.querySelector<HTMLElement>(`${box}, h1`)!;
    first.tabIndex = -1;
    first.focus();
  }

  /** Takes over the page in another language. What was typed stays, and stays here. */
  async switchTo(path: string): Promise<void> {
    const page = await fetchPage(path);
    const main = page.getElementById("isi");
    if (!main?.querySelector("form") || !page.getElementById("cara")?.dataset["parts"]) throw new Error();
    const before = this.form;
    this.take(document.importNode(main, true));
    await this.load();
    copyTyped(before, this.form);
    document.documentElement.lang = this.words.language;
    for (const s of [".skip", "header", "footer"]) {
      const next = page.querySelector(s);
      if (next) document.querySelector(s)?.replaceWith(document.importNode(next, true));
    }
  }
}

function copyTyped(from: HTMLFormElement, to: HTMLFormElement): void {
  for (const old of from.elements) {
    const next = to.elements.namedItem((old as HTMLInputElement).name);
    if (old instanceof HTMLTextAreaElement && next instanceof HTMLTextAreaElement) next.value = old.value;
    if (old instanceof HTMLInputElement && old.checked) {
      for (const e of to.elements) if (e instanceof HTMLInputElement && e.name === old.name && e.value === old.value) e.checked = true;
    }
  }
  const [before, after] = [from, to].map((f) => f.querySelector("details"));
  if (before && after) after.open = before.open;
}

/** A page of the server's, parsed but with nothing of it run or loaded. */
function fetchPage(path: string): Promise<Document> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.onload = () => (request.status === 200 && request.response ? resolve(request.response as Document) : reject(new Error()));
    request.onerror = () => reject(new Error());
    request.send();
  });
}
