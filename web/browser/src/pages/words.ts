// The words of one language and its written forms, as internal/lang has them.

import type { Day, Roster, Status } from "../types.js";

export type Values = Record<string, string | number>;

export class Words {
  private readonly texts = new Map<string, string>();
  private readonly plural: Intl.PluralRules;
  private readonly days: Partial<Record<Status, number>>;
  private readonly holidays: ReadonlySet<Day>;

  constructor(
    readonly language: string,
    template: HTMLTemplateElement,
  ) {
    for (const p of template.content.querySelectorAll("p")) {
      const { key, form } = p.dataset;
      this.texts.set(form ? `${key} ${form}` : String(key), p.textContent ?? "");
    }
    this.plural = new Intl.PluralRules(language);
    this.days = JSON.parse(template.dataset["days"] ?? "{}") as Partial<Record<Status, number>>;
    this.holidays = new Set((template.dataset["holidays"] ?? "").split(" "));
  }

  has(key: string): boolean {
    return this.texts.has(key);
  }

  /** A message. A number called N chooses the plural form; texts of others are made harmless. */
  t(key: string, values: Values = {}): string {
    const n = values["N"];
    const text = (typeof n === "number" && this.texts.get(`${key} ${this.plural.select(n)}`)) || this.texts.get(key) || `[${key}]`;
    return text.replace(/\{\{\.(\w+)\}\}/g, (_, name: string) => {
      const v = values[name] ?? "";
      return typeof v === "number" ? this.number(v) : visible(v);
    });
  }

  number(n: number): string {
    return String(n).replace(/\B(?=(\d{3})+$)/g, this.t("format.thousands"));
  }

  day(d: Day): string {
    const [y = "", m, day] = d.split("-");
    return d && this.t("format.day", { D: String(Number(day)), Month: this.t(`month.${Number(m)}`), Y: y });
  }

  /** A size: 812 byte, 1,5 MB. A MB has 1,024 KB. */
  bytes(n: number): string {
    if (n < 1024) return this.t("format.bytes", { N: n });
    const units = ["KB", "MB", "GB", "TB"];
    let tenths = Math.floor((n * 10) / 1024);
    let i = 0;
    for (; tenths >= 10240 && i < units.length - 1; i++) tenths = Math.floor(tenths / 1024);
    const tenth = tenths % 10;
    return this.number(Math.floor(tenths / 10)) + (tenth > 0 && tenths < 1000 ? this.t("format.decimal") + tenth : "") + ` ${units[i]}`;
  }

  /** What is wrong with a text of so many characters, if it is too long. */
  tooLong(...texts: string[]): string {
    const most = 1 << 20;
    const length = texts.reduce((n, s) => n + new TextEncoder().encode(s).length, 0);
    return length > most ? `${this.t("intake.long.title")}. ${this.t("intake.long.here", { Size: this.bytes(most) })}` : "";
  }

  /** The last day for a case that came into a status, or "" if the status has no clock. */
  due(status: Status, since: Day): Day {
    let left = this.days[status] ?? 0;
    let day = left > 0 ? since : "";
    while (left > 0) {
      day = dayAfter(day);
      if (new Date(day).getUTCDay() % 6 !== 0 && !this.holidays.has(day)) left--;
    }
    return day;
  }
}

/** What a unit is called in a language. */
export const unitName = (roster: Roster, id: string, language: string): string => {
  const name = roster.units.find((u) => u.id === id)?.name;
  return name?.[language] ?? name?.["id"] ?? "";
};

export const dayAfter = (d: Day): Day => new Date(Date.parse(d) + 86_400_000).toISOString().slice(0, 10);

export const shorten = (s: string, most = 60): string => ([...s].length > most ? `${[...s].slice(0, most).join("")}…` : s);

const turns = /[\u2028\u2029\u202a-\u202e\u2066-\u2069\u0080-\u009f]/g;
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Somebody else's words on one line, with nothing in them that changes how the words around look. */
export function visible(s: string): string {
  return visibleText(s.replace(/[\n\t]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0))));
}

/** The same of several lines. */
export function visibleText(s: string): string {
  const shown = s
    .replace(/[\0-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/\x7f/g, "␡")
    .replace(turns, "\ufffd");
  return rightToLeft.test(shown) ? `\u2068${shown}\u2069` : shown;
}
