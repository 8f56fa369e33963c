// From the form to the code, in one document.

import type { Client } from "../client.js";
import type { FailureKind, Form, Report, Roster, Sent, Unit } from "../types.js";
import { Failure } from "../types.js";
import { codeProblem } from "./code.js";
import type { Problem } from "./fill.js";
import { Files, said, Sending } from "./files.js";
import type { Page } from "./page.js";
import { saveReceipt } from "./receipt.js";
import type { Screen } from "./screen.js";
import { kindOf, troubles } from "./trouble.js";
import { unitName, visible, visibleText } from "./words.js";

const questions = [
  ["apa", "bagaimana", "mengapa"],
  ["siapa", "mana", "kapan"],
  ["rugi", "saksi", "sudah"],
] as const;
const phone = /(?:\+?62|0)[\s.-]?8[1-9]\d(?:[\s.-]?\d){6,9}/;

/** A number that looks like one of a person. It is for a notice only. */
const hasPersonalNumber = (s: string): boolean => phone.test(s) || (s.match(/\d(?:[ .-]?\d)*/g) ?? []).some((n) => n.replace(/\D/g, "").length >= 16);

export class ReportPage implements Page {
  private readonly files: Files;
  private sending: Sending | null = null;
  private sent: { result: Sent; asIs: boolean } | null = null;
  view = (): void => this.screen.showHome();
  private leaves = false; // the server is to lock the report instead
  private waits = false; // something is sent, or the code that was shown is not tried yet

  constructor(
    private readonly screen: Screen,
    private readonly client: Client,
    most: number,
  ) {
    this.files = new Files(client, screen, most, "intake.file.closed");
  }

  readonly start = "/lapor/tulis";
  readonly mode = "intake.device.mode";

  /**
   * The check page too: no browser shows again what was typed once a page is loaded anew. The form itself is: it doesn't
   * ask, and whoever has to close it at once can.
   */
  get unsaved(): boolean {
    return !this.leaves && (this.waits || this.screen.form.hidden && this.sent === null);
  }

  readonly routes = {
    "/lapor/periksa": () => this.check(),
    "/lapor/tulis": () => Promise.resolve(history.back()),
    "/lapor/kirim": () => this.send(),
    "/lapor/tanda-terima": () => Promise.resolve(saveReceipt(this.screen, this.sent!.result.receipt)),
    "/lapor/coba": (form: HTMLFormElement, button: HTMLElement | null) => this.try(form, button),
  };

  /** Goes where Back or Forward leads. */
  go(state: string): void {
    if (this.sending) {
      this.sending.cancel();
      this.sending = null;
    }
    if (state === "kirim" && this.sent) this.showCode();
    else if (state === "coba" && this.sent) this.showTry();
    else if (state === "periksa") this.showCheck();
    else this.home();
  }

  /** What went wrong; and a way to the server's own check page with what was typed, where it is the browser's fault. */
  private troubles(kind: FailureKind): Problem[] {
    const go = (): void => {
      this.leaves = true;
      this.client.stop();
      this.screen.form.submit(); // which is no event, so that nobody takes it over
    };
    return troubles(this.screen.words, kind, { what: "intake.device.instead.report", go });
  }

  private home(problems: readonly Problem[] = []): void {
    this.view = () => this.screen.showHome();
    this.screen.showHome(problems);
  }

  private async check(): Promise<void> {
    try {
      await this.client.refresh();
    } catch (e) {
      this.home(this.troubles(kindOf(e)));
      return;
    }
    this.screen.warn(this.client.unwitnessed);
    const problems = this.problems();
    if (problems.length > 0) {
      this.home(problems);
      return;
    }
    try {
      await this.client.prepare(this.typed());
    } catch (e) {
      this.home(this.troubles(kindOf(e)));
      return;
    }
    this.screen.push("periksa");
    this.showCheck();
  }

  private typed(): Form {
    const data = new FormData(this.screen.form);
    const text = (name: string) => String(data.get(name) ?? "").replace(/\r\n?/g, "\n");
    const { roster } = this.client;
    const report = Object.fromEntries(questions.flat().map((q) => [q, text(q)]));
    const unit = text("unit");
    return {
      unit: unit === "?" ? (roster.units[0]?.other ?? "") : unit,
      without: data.getAll("tanpa").map(String),
      report: { ...report, jenis: text("jenis") === "unknown" ? "" : text("jenis"), jangan_diteruskan: data.has("jangan_diteruskan") } as unknown as Report,
      language: this.screen.words.language as Form["language"],
      asIs: this.files.asIs,
    };
  }

  private problems(): Problem[] {
    const { words } = this.screen;
    const { unit, without, report } = this.typed();
    const { roster } = this.client;
    const all = questions.flat();
    const long = words.tooLong(...all.map((q) => report[q]));
    const problems: Problem[] = [];
    if (unit === "") problems.push({ field: "unit", text: words.t("intake.unit.missing") });
    else if (readers(roster, unit, []).length === 0) problems.push({ field: "unit", text: words.t("intake.unit.gone") });
    else if (readers(roster, unit, without).length === 0) problems.push({ field: "tanpa", text: words.t("intake.without.all", { Unit: this.unitName(unit) }) });
    if (long !== "") problems.push({ field: all.reduce((a, b) => (report[b].length > report[a].length ? b : a)), text: long });
    return problems;
  }

  private unitName(id: string): string {
    return unitName(this.client.roster, id, this.screen.words.language);
  }

  private showCheck(problems: readonly Problem[] = [], notice = ""): void {
    const { words } = this.screen;
    this.view = () => this.showCheck();
    const form = this.typed();
    const { roster } = this.client;
    const unit = roster.units.find((u) => u.id === form.unit);
    const left = form.without.flatMap((id) => roster.members.find((m) => m.id === id)?.name ?? []);
    const kind = String(new FormData(this.screen.form).get("jenis") ?? "");
    const answers = questions.flatMap((part, i) => [
      ...(i === 0 ? [{ question: words.t("intake.keep.check"), text: words.t(`intake.keep.${form.report.jangan_diteruskan ? "yes" : "no"}`) }] : []),
      ...(i === 2 ? [{ question: words.t("intake.check.jenis"), text: kind && words.t(`category.${kind}`) }] : []),
      ...part.map((q) => ({ question: words.t(`intake.${i === 2 ? "check" : "field"}.${q}`), text: visibleText(form.report[q].trim()) })),
    ]);
    this.screen.show(
      "periksa",
      { title: words.t("intake.check.title"), problems, notice },
      {
        ...this.files.data(),
        names: words.t("intake.check.names", { Unit: this.unitName(form.unit), Names: readers(roster, form.unit, form.without).map((m) => m.name).join(", ") }),
        opens: this.opens(unit),
        without: left.length > 0 && { names: visible(left.join(", ")) },
        answers: answers.map(({ question, text }) => ({ question, text: text || words.t("intake.check.unanswered") })),
        unwitnessed: this.client.unwitnessed,
        personal: questions.flat().some((q) => hasPersonalNumber(form.report[q])),
        mode: words.t("intake.device.plain"),
      },
      (main) => this.files.ready(main),
    );
  }

  /** What else it takes to open a report to a unit. */
  private opens(unit: Unit | undefined): string[] {
    const { words } = this.screen;
    const { need = 0, of = [] } = unit?.key_witnesses ?? {};
    const Names = of.map((id) => this.client.roster.members.find((m) => m.id === id)!.name).join(", ");
    return [
      need > 0 && words.t(`intake.check.witness${of.length > 1 ? ".some" : ""}`, { Need: need, Of: of.length, Names }),
      unit?.recovery && words.t(`intake.check.sheet${need > 0 ? ".alone" : ""}`),
    ].filter((s) => s) as string[];
  }

  private async send(): Promise<void> {
    const { words } = this.screen;
    const form = this.typed();
    const files = this.files.chosen();
    const isEmpty = questions.flat().every((q) => form.report[q].trim() === "");
    const problem = isEmpty && files.length === 0 ? { field: this.client.state.files ? "berkas" : "", text: words.t("intake.check.nothing") } : this.files.problem();
    if (problem) {
      this.showCheck([problem]);
      return;
    }
    const sending = new Sending(this.screen, "intake.device.send.title", files, (onProgress, signal) => this.client.send(form, files, onProgress, signal));
    this.sending = sending;
    this.view = () => sending.show();
    this.waits = true;
    try {
      const result = await sending.run();
      if (this.sending !== sending) return;
      this.sending = null;
      this.sent = { result, asIs: form.asIs };
      this.screen.push("kirim", "/lapor/kirim");
      this.showCode();
    } catch (e) {
      this.waits = false;
      if (this.sending !== sending) return;
      this.sending = null;
      await this.failed(e);
    }
  }

  /** The check page again, with why nothing was sent. */
  private async failed(e: unknown): Promise<void> {
    const { words } = this.screen;
    const kind = kindOf(e);
    const about = this.files.failed(kind, e instanceof Failure ? e.file : -1);
    if (about) this.showCheck([about]);
    else if (kind === "aborted") this.showCheck([], words.t("intake.device.cancelled"));
    else if (kind === "roster" || kind === "no-readers") {
      try {
        await this.client.refresh();
        if (this.problems().length > 0) this.home(this.problems());
        else this.showCheck([{ field: "", text: words.t("intake.check.changed") }]);
      } catch (e) {
        this.showCheck(this.troubles(kindOf(e)));
      }
    } else this.showCheck(this.troubles(kind));
  }

  private showCode(again = false): void {
    const { words } = this.screen;
    const { result, asIs } = this.sent!;
    this.view = () => this.showCode(again);
    const due = words.due("received", this.client.state.day);
    this.screen.show(
      "kode",
      { title: words.t(again ? "intake.code.again.title" : "intake.code.title"), window: words.t("intake.code.window"), print: true },
      {
        words: result.words,
        ...(again
          ? {}
          : {
              what: result.result === "same" ? words.t("intake.code.same") : result.result === "added" ? words.t("intake.code.added") : "",
              due: result.result === "new" && due !== "" && words.t("intake.code.due", { Day: words.day(due) }),
              sent: said(words, result, asIs),
              saved: true,
              receipt: result.receipt,
            }),
      },
    );
  }

  private showTry(problems: readonly Problem[] = [], typed = "", right = false): void {
    const { words } = this.screen;
    this.view = () => this.showTry([], typed, right);
    this.screen.show(
      "coba",
      { title: words.t(right ? "intake.try.right.title" : "intake.try.title"), problems, notice: right ? words.t("intake.try.right") : "" },
      { right, trying: !right },
      (main) => {
        const field = main.querySelector<HTMLTextAreaElement>("#kode");
        if (field) field.value = typed;
      },
    );
  }

  private async try(form: HTMLFormElement, button: HTMLElement | null): Promise<void> {
    if (button?.getAttribute("name") === "lihat") {
      this.screen.push("kirim", "/lapor/kirim");
      this.showCode(true);
      return;
    }
    const field = form.querySelector<HTMLTextAreaElement>("#kode");
    if (!field) {
      this.screen.push("coba", "/lapor/coba");
      this.showTry();
      return;
    }
    const wrong = await this.client.tryCode(field.value);
    if (wrong) this.showTry([{ field: "kode", text: codeProblem(this.screen.words, wrong) }], field.value);
    else {
      this.waits = false;
      this.showTry([], field.value, true);
    }
  }
}

const readers = (roster: Roster, unit: string, without: readonly string[]) =>
  roster.members.filter((m) => m.unit === unit && m.removed === undefined && m.roles.includes("reader") && !without.includes(m.id));

