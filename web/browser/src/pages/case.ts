// From the code to a case's status and a reply, in one document.

import type { Client } from "../client.js";
import type { CodeError, FailureKind, Message, Reply, View } from "../types.js";
import { Failure } from "../types.js";
import { codeProblem } from "./code.js";
import { Files, said, Sending } from "./files.js";
import type { Data, Problem } from "./fill.js";
import type { Page } from "./page.js";
import { saveReceipt } from "./receipt.js";
import type { Screen } from "./screen.js";
import { isDistrust, kindOf, troubles } from "./trouble.js";
import { dayAfter, unitName, visibleText } from "./words.js";

/** What is said of a vault that won't destroy an answer, however often it is asked. */
const refusals: Partial<Record<FailureKind, string>> = { unknown: "none", "no-answer": "none", "no-key": "nokey", signature: "refused" };

export class CasePage implements Page {
  private readonly files: Files;
  private sending: Sending | null = null;
  private opened: View | null = null;
  private typed = ""; // the code, as long as its case is shown
  private once = ""; // of the reply that is written
  private text: HTMLTextAreaElement | null = null;
  private leaves = false; // the server is to open the case instead
  private doomed: Message | null = null; // the answer that is to be destroyed
  view = (): void => this.screen.showHome();

  constructor(
    private readonly screen: Screen,
    private readonly client: Client,
    most: number,
  ) {
    this.files = new Files(client, screen, most, "intake.status.files.closed");
  }

  readonly start = "/cek";
  readonly mode = "intake.device.mode.code";

  get unsaved(): boolean {
    return !this.leaves && (this.sending !== null || (this.text !== null && this.text.value.trim() !== ""));
  }

  readonly routes = {
    "/cek": (form: HTMLFormElement) => (form === this.screen.form ? this.open() : Promise.resolve(history.back())),
    "/cek/balas": () => this.reply(),
    "/cek/hapus": (_: HTMLFormElement, button: HTMLElement | null) => this.destroy(button),
    "/lapor/tanda-terima": () => Promise.resolve(saveReceipt(this.screen, this.opened!.receipt)),
  };

  go(state: string): void {
    this.sending?.cancel();
    this.sending = null;
    if (state === "hapus" && this.opened && this.doomed) this.showDestroy();
    else if ((state === "status" || state === "hapus") && this.opened) this.showStatus();
    else this.home();
  }

  /** What went wrong; and a way to the server's own page of the case, where it is the browser's fault. */
  private troubles(kind: FailureKind): Problem[] {
    const go = (): void => {
      const { form } = this.screen;
      if (this.typed !== "") this.field.value = this.typed;
      if (this.text) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: this.text.name, value: this.text.value }));
      this.leaves = true;
      this.client.stop();
      form.submit(); // which is no event, so that nobody takes it over
    };
    return troubles(this.screen.words, kind, { what: "intake.device.instead.code", go });
  }

  private home(problems: readonly Problem[] = []): void {
    this.view = () => this.screen.showHome();
    this.screen.showHome(problems);
  }

  private get field(): HTMLTextAreaElement {
    return this.screen.form.querySelector<HTMLTextAreaElement>("#kode")!;
  }

  /** Asks for the case, by the readers of now. */
  private async look(typed: string): Promise<View | CodeError> {
    await this.client.refresh();
    this.screen.warn(this.client.unwitnessed);
    return this.client.look(typed);
  }

  private async open(): Promise<void> {
    const { words } = this.screen;
    const typed = this.field.value;
    try {
      const found = await this.look(typed);
      if ("code" in found) {
        this.home([{ field: "kode", text: codeProblem(words, found) }]);
        return;
      }
      this.typed = typed;
      this.opened = found;
      this.field.value = "";
      this.begin();
      this.screen.push("status");
      const notices = found.corrections.map((c) => words.t("intake.open.corrected", { Place: c.place, Word: c.word }));
      this.showStatus([], notices.join(" "));
    } catch (e) {
      this.home(this.troubles(kindOf(e)));
    }
  }

  /** Begins a new reply. */
  private begin(): void {
    this.once = [...crypto.getRandomValues(new Uint8Array(32))].map((b) => b.toString(16).padStart(2, "0")).join("");
    this.text = null;
    this.files.forget();
  }

  private showStatus(problems: readonly Problem[] = [], notice = ""): void {
    const { words } = this.screen;
    const v = this.opened!;
    this.view = () => this.showStatus();
    if (v.warnings.length > 0) {
      this.screen.show("rusak", { title: words.t("intake.tampered.title") }, { reasons: v.warnings.map((w) => words.t(`intake.tampered.${w}`)) });
      return;
    }
    const title = v.status === "" ? words.t("intake.status.gone.title") : words.t("intake.status.title", { Status: words.t(`status.${v.status}`) });
    this.screen.show("status", { title, problems, notice }, this.status(v), (main) => {
      const text = main.querySelector<HTMLTextAreaElement>("#teks");
      if (this.text) {
        this.text.removeAttribute("aria-invalid");
        this.text.setAttribute("aria-describedby", text?.getAttribute("aria-describedby") ?? "");
        text?.replaceWith(this.text);
      } else this.text = text;
      this.files.ready(main);
    });
  }

  private status(v: View): Data {
    const { words } = this.screen;
    const { day: today } = this.client.state;
    const last = v.history.at(-1);
    const due = v.due || (last && v.status !== "" ? words.due(v.status, last.day) : "");
    const late = due !== "" && due < today;
    const Day = words.day(due);
    const needed = v.status !== "incomplete" ? "" : due === "" ? "needed.nodate" : late ? "needed.late" : "needed";
    return {
      ...this.files.data(),
      needed: needed !== "" && { text: words.t(`intake.status.${needed}`, { Day }) },
      about: words.t(v.status === "" ? "intake.status.gone.about" : `intake.status.about.${v.status}`),
      next: needed === "" && due !== "" && words.t(late ? "intake.status.late" : "intake.status.next", { Day }),
      messages: v.messages.length > 0 && { list: v.messages.map((m) => this.message(v, m)) },
      none: v.messages.length === 0 && (due !== "" && !late ? words.t("intake.status.none.until", { Day }) : words.t("intake.status.none")),
      history: v.history.map((h) => words.t("intake.status.step", { Status: words.t(`status.${h.status}`), Day: words.day(h.day) })),
      log: this.log(v),
      saved: v.receipt !== "",
      receipt: v.receipt,
      unwitnessed: this.client.unwitnessed,
      mode: words.t("intake.device.plain.reply"),
    };
  }

  /** Whether the report is in the access log, or by when it must be. */
  private log(v: View): string {
    const { words } = this.screen;
    if (v.logged !== "") return words.t("intake.status.log", { Day: words.day(v.logged) });
    if (v.inLog) return words.t("intake.status.log.nodate");
    const due = dayAfter(v.since);
    return words.t(due < this.client.state.day ? "intake.status.log.late" : "intake.status.log.by", { Day: words.day(due) });
  }

  /** The unit that speaks in a message: which of its officers wrote is not the reporter's. */
  private unitOf(v: View, m: Message): string {
    const { roster } = this.client;
    return unitName(roster, roster.members.find((x) => x.id === m.by)?.unit ?? v.unit, this.screen.words.language);
  }

  private message(v: View, m: Message): Data {
    const { words } = this.screen;
    const Day = words.day(m.day);
    const from = words.t("intake.status.from", { Unit: this.unitOf(v, m), Day });
    if (m.destroyed !== "") return { from, text: words.t("intake.status.destroyed", { Day: words.day(m.destroyed) }) };
    if (m.by === "") {
      return { from: words.t("intake.status.from.you", { Day }), text: words.t("intake.status.yours"), files: m.files > 0 && words.t("intake.status.yours.files", { N: m.files }) };
    }
    const destroy = (e: HTMLElement): void => {
      const button = e.querySelector("button")!;
      button.value = m.object;
      button.querySelector(".vh")!.textContent = ` (${from})`;
    };
    return { from, text: visibleText(m.text), destroy };
  }

  /** Asks, or has the answer destroyed if that was answered. */
  private async destroy(button: HTMLElement | null): Promise<void> {
    const { words } = this.screen;
    const view = this.opened!;
    if (button instanceof HTMLButtonElement && button.name === "balasan") {
      this.doomed = view.messages.find((m) => m.object === button.value) ?? null;
      if (!this.doomed) return;
      this.screen.push("hapus", "/cek/hapus");
      this.showDestroy();
      return;
    }
    const { object } = this.doomed!;
    try {
      const day = await this.client.destroy(view, object);
      this.doomed = null;
      const found = await this.look(this.typed).catch(() => null);
      if (found && !("code" in found)) this.opened = found;
      else {
        this.opened = {
          ...view,
          ...(view.messages.some((m) => m.object === object && m.tells === view.status) ? { status: "", due: "" } : {}),
          messages: view.messages.map((m) => (m.object === object ? { ...m, text: "", by: "", tells: "", destroyed: day } : m)),
        };
      }
      this.screen.push("status", "/cek", true);
      this.showStatus([], words.t("intake.destroy.done"));
    } catch (e) {
      const kind = kindOf(e);
      if (isDistrust(kind)) this.showDestroy(troubles(words, kind));
      else if (kind in refusals) {
        this.screen.push("status", "/cek", true);
        this.doomed = null;
        this.showStatus([{ field: "", text: words.t(`intake.destroy.${refusals[kind]}`) }]);
      } else this.showDestroy([{ field: "", text: words.t("intake.destroy.failed") }]);
    }
  }

  private showDestroy(problems: readonly Problem[] = []): void {
    const { words } = this.screen;
    const v = this.opened!;
    const m = this.doomed!;
    this.view = () => this.showDestroy();
    const { from, text } = this.message(v, m);
    this.screen.show(
      "hapus",
      { title: words.t("intake.destroy.title"), problems },
      {
        from,
        text,
        told: m.tells !== "" && words.t("intake.destroy.told", { Status: words.t(`status.${m.tells}`) }),
        copy: words.t("intake.destroy.copy", { Unit: this.unitOf(v, m) }),
      },
    );
  }

  private async reply(): Promise<void> {
    const { words } = this.screen;
    const view = this.opened!;
    const files = this.files.chosen();
    const text = this.text?.value ?? "";
    const long = words.tooLong(text);
    let problem = this.files.problem();
    if (text.trim() === "" && files.length === 0) problem = { field: "teks", text: words.t("intake.status.nothing") };
    if (long !== "") problem = { field: "teks", text: long };
    if (problem) {
      this.showStatus([problem]);
      return;
    }
    const reply: Reply = { text, language: words.language as Reply["language"], asIs: this.files.asIs };
    const sending = new Sending(this.screen, "intake.device.reply.title", files, (onProgress, signal) => this.client.reply(view, this.once, reply, files, onProgress, signal));
    this.sending = sending;
    this.view = () => sending.show();
    try {
      const sent = await sending.run();
      if (this.sending !== sending) return;
      this.sending = null;
      const notices = [words.t(sent.result === "same" ? "intake.status.sent.before" : "intake.status.sent"), ...said(words, sent, reply.asIs)];
      // The reply is there for good, so that is said even if the vault goes now.
      const found = await this.look(this.typed).catch(() => null);
      if (found && !("code" in found)) this.opened = found;
      this.begin();
      this.showStatus([], notices.join(" "));
    } catch (e) {
      if (this.sending !== sending) return;
      this.sending = null;
      await this.failed(e);
    }
  }

  private async failed(e: unknown): Promise<void> {
    const { words } = this.screen;
    const kind = kindOf(e);
    const about = this.files.failed(kind, e instanceof Failure ? e.file : -1);
    if (about) this.showStatus([about]);
    else if (kind === "aborted") this.showStatus([], words.t("intake.device.cancelled"));
    else if (kind === "closed") this.showStatus([{ field: "teks", text: words.t("intake.status.closed") }]);
    else if (kind === "roster") {
      // Answers may be of members who came since: the case is opened anew.
      const found = await this.look(this.typed).catch(kindOf);
      if (typeof found === "string") this.showStatus(this.troubles(found));
      else if (!("code" in found)) {
        this.opened = found;
        await this.reply();
      }
    } else this.showStatus(this.troubles(kind));
  }
}

