// The part of a page that asks for files, and the page while they are sent.

import type { Client } from "../client.js";
import { Failure, type FailureKind, type Finding, type Inspection, type Progress, type Sent, type State } from "../types.js";
import type { Data, Problem } from "./fill.js";
import type { Screen } from "./screen.js";
import { shorten, visible, type Words } from "./words.js";

const mostFiles = 200;
const inputs = ["berkas", "berkas2", "asli"];
const photos = ["jpeg", "png", "webp", "heic"];

/** What chosen files may have together, of what the vault and the server take. */
const limit = (state: State, most: number): number => Math.min(most, Math.floor(state.max_bytes / 5) * 4);

export class Files {
  private kept: HTMLElement[] = []; // the inputs, with what was chosen
  private looks = 0;

  constructor(
    private readonly client: Client,
    private readonly screen: Screen,
    private readonly most: number,
    private readonly closed: string, // key of the message
  ) {}

  /** Values for the part. */
  data(): Data {
    const { state } = this.client;
    const { words } = this.screen;
    return state.files
      ? { files: { hint: words.t("intake.file.hint", { Size: words.bytes(limit(state, this.most)) }), said: true, found: { list: [] } } }
      : { closed: `${words.t(this.closed)}.` };
  }

  /** Puts what was chosen before into the part, and looks at what will be. */
  ready(main: HTMLElement): void {
    for (const old of this.kept) {
      const place = main.querySelector(`#${old.id}`);
      old.setAttribute("aria-describedby", place?.getAttribute("aria-describedby") ?? "");
      place?.replaceWith(old);
    }
    this.kept = inputs.flatMap((id) => main.querySelector<HTMLElement>(`#${id}`) ?? []);
    for (const e of this.kept) {
      e.removeAttribute("aria-invalid");
      e.onchange = () => void this.look(main);
    }
    if (this.chosen().length > 0) void this.look(main);
  }

  chosen(): File[] {
    return this.kept.flatMap((e) => [...((e as HTMLInputElement).files ?? [])]);
  }

  get asIs(): boolean {
    return this.kept.some((e) => (e as HTMLInputElement).checked);
  }

  forget(): void {
    this.kept = [];
  }

  /** What is wrong with the choice, before anything is sent. */
  problem(): Problem | null {
    const files = this.chosen();
    if (files.length > mostFiles) return this.failed("many-files", -1);
    let left = limit(this.client.state, this.most);
    for (const [i, f] of files.entries()) {
      if (f.size === 0) return this.failed("empty-file", i);
      left -= f.size;
      if (left < 0) return this.failed("too-large", i);
    }
    return null;
  }

  /** A failure that is about files, in the words of the page. */
  failed(kind: FailureKind, file: number): Problem | null {
    const { words } = this.screen;
    const name = this.chosen()[file]?.name ?? "";
    const values = { Name: name === "" ? words.t("intake.file.noname") : shorten(name), Size: words.bytes(limit(this.client.state, this.most)), N: mostFiles };
    const keys: Partial<Record<FailureKind, string>> = {
      "many-files": "intake.file.many",
      "empty-file": "intake.file.empty",
      "unreadable-file": "intake.device.unreadable",
      "too-large": file === 0 ? "intake.file.large" : "intake.file.together",
      "no-files": this.closed,
    };
    const key = keys[kind];
    return key === undefined ? null : { field: this.client.state.files ? "berkas" : "", text: words.t(key, values) };
  }

  /** Names what each file tells besides what it shows, and what becomes of that. */
  private async look(main: HTMLElement): Promise<void> {
    const look = ++this.looks;
    const { words } = this.screen;
    const list = main.querySelector(".found");
    const said = main.querySelector("#dilihat");
    if (!list || !said) return;
    const lines: HTMLElement[] = [];
    const files = this.chosen();
    for (const file of files) {
      const found = await this.client.inspect(file).catch(() => null);
      if (look !== this.looks) return;
      const line = document.createElement("li");
      const name = document.createElement("bdi");
      name.textContent = visible(shorten(file.name));
      line.append(name, `: ${describe(words, found, this.asIs)}`);
      lines.push(line);
    }
    list.replaceChildren(...lines);
    said.textContent = files.length > 0 ? words.t("intake.device.chosen", { N: files.length }) : "";
  }
}

function describe(words: Words, found: Inspection | null, asIs: boolean): string {
  const { kind, findings } = found ?? { kind: "other", findings: [{ what: "unreadable", value: "" }] };
  const named = findings.filter((f) => f.what !== "partly" && f.what !== "unreadable");
  const what = (f: Finding) => words.t(`intake.device.what.${f.what}`);
  const join = (all: string[]) => [...new Set(all)].join(", ");
  const said: string[] = [];
  if (photos.includes(kind) && !asIs) {
    said.push(named.length > 0 ? words.t("intake.device.removed", { What: join(named.map(what)) }) : words.t("intake.device.removed.all"));
  } else if (named.length > 0) {
    said.push(words.t("intake.device.sends", { What: join(named.map((f) => (f.value ? words.t("intake.device.value", { What: what(f), Value: shorten(f.value) }) : what(f)))) }));
  }
  if (named.length < findings.length) said.push(words.t("intake.device.unusual"));
  if (said.length === 0) said.push(words.t(kind === "image" || kind === "heic" ? "intake.device.sends.unknown" : "intake.device.none"));
  return said.join("; ");
}

/** What a person should know of the files that were sent. */
export function said(words: Words, sent: Sent, asIs: boolean): string[] {
  let unclean = 0;
  let kept = 0;
  const kinds = new Set<string>();
  for (const { kind, hidden } of sent.files) {
    if (hidden === "removed") continue;
    if (photos.includes(kind) && !asIs) unclean++;
    else {
      kept++;
      kinds.add(words.t(`intake.kind.${kind}`));
    }
  }
  const all = unclean > 0 ? [words.t("intake.sent.unclean", { N: unclean })] : [];
  if (kept > 0) all.push(words.t("intake.sent.asis", { N: kept, Kinds: [...kinds].join(", ") }));
  return all;
}

/** The page while something is sent. It can be cancelled, and continued after the connection was lost for long. */
export class Sending {
  private controller: AbortController | null = null;
  private resume: () => void = () => {};
  private give: () => void = () => {};
  private last: Progress | null = null;
  private quarter = -1;
  private stopped = false;

  constructor(
    private readonly screen: Screen,
    private readonly title: string, // key of the message
    private readonly files: File[],
    private readonly send: (onProgress: (p: Progress) => void, signal: AbortSignal) => Promise<Sent>,
  ) {}

  /** Sends; rejects with a Failure, of kind aborted if the person cancelled. */
  async run(): Promise<Sent> {
    for (;;) {
      this.controller = new AbortController();
      this.stopped = false;
      this.show();
      try {
        return await this.send((p) => this.progress(p), this.controller.signal);
      } catch (e) {
        const failure = e instanceof Failure ? e : new Failure("internal");
        if (failure.kind !== "offline") throw failure;
        this.stopped = true;
        const again = new Promise<void>((resolve, reject) => {
          this.resume = resolve;
          this.give = () => reject(new Failure("aborted"));
        });
        this.show();
        await again;
      }
    }
  }

  cancel(): void {
    this.controller?.abort();
    this.give();
  }

  show(): void {
    const { words } = this.screen;
    this.screen.show(
      "kirim",
      { title: words.t(this.title), notice: this.stopped ? words.t("intake.device.stopped") : "" },
      {
        said: true,
        broken: true,
        all: true,
        sum: true,
        files: this.files.length > 0 && { list: this.files.map((f) => ({ name: visible(shorten(f.name)) || words.t("intake.file.noname"), bar: true })) },
        resume: this.stopped && ((e) => (e.onclick = () => this.resume())),
        cancel: (e) => (e.onclick = () => this.cancel()),
      },
    );
    this.quarter = -1;
    this.draw();
  }

  private progress(p: Progress): void {
    this.last = p;
    this.draw();
  }

  private draw(): void {
    const { words } = this.screen;
    const main = document.getElementById("isi")!;
    const bars = [...main.querySelectorAll("progress")];
    const all = bars[0];
    const p = this.last;
    if (!all) return;
    const percent = p && p.total.size > 0 ? Math.floor((100 * p.total.sent) / p.total.size) : 0;
    all.value = percent;
    const sum = all.nextElementSibling;
    const broken = main.querySelector<HTMLElement>(".box.warn");
    if (broken) broken.hidden = this.stopped || !p?.waiting;
    if (p && sum) sum.textContent = p.total.size > 0 ? words.t("intake.device.sum", { Sent: words.bytes(p.total.sent), Size: words.bytes(p.total.size) }) : "";
    this.files.forEach((f, i) => {
      const bar = bars[i + 1];
      if (!bar || !p) return;
      const sent = p.file < 0 || i < p.file ? f.size : i === p.file ? p.sent : 0;
      bar.value = f.size > 0 ? Math.floor((100 * sent) / f.size) : 100;
    });
    // Said at each quarter only: whoever listens is not talked at.
    const status = main.querySelector("[role=status]");
    const quarter = Math.floor(percent / 25);
    if (!status || this.stopped) return;
    if (p?.waiting) {
      this.quarter = -1;
      status.textContent = words.t("intake.device.broken");
    } else if (quarter !== this.quarter) {
      this.quarter = quarter;
      status.textContent = words.t("intake.device.percent", { N: quarter * 25 });
    }
  }
}
