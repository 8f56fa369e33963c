// What a reporter writes, as documents: the fields of internal/report, in its
// order, which the tag of a form depends on.

import type { Hidden, Language, Report } from "../types.js";
import { json, utf8 } from "./bytes.js";

export interface Attachment {
  name: string;
  type: string;
  size: number;
  object: string;
  hidden: Hidden;
}

export interface Letter {
  case: string;
  day: string;
  language: Language;
  unit: string;
  without: string[];
  reporter: string; // recipient that answers are sealed to
  report?: Report; // of a form
  text?: string; // of a message
  attachments: Attachment[];
}

const orAbsent = (s: string | undefined): string | undefined => s || undefined;
const some = <T>(a: T[]): T[] | undefined => (a.length > 0 ? a : undefined);

const questions = ["apa", "bagaimana", "mengapa", "siapa", "mana", "kapan", "jenis", "rugi", "saksi", "sudah", "jangan_diteruskan"] as const;

export const letterDocument = (l: Letter) => ({
  v: 1,
  case: l.case,
  day: l.day,
  language: l.language,
  unit: orAbsent(l.unit),
  without: some(l.without),
  reporter: l.reporter,
  report: l.report && Object.fromEntries(questions.map((q) => [q, l.report![q] || undefined])),
  text: orAbsent(l.text),
  attachments: some(
    l.attachments.map((a) => ({ name: a.name, type: a.type, size: a.size, object: a.object, hidden: a.hidden })),
  ),
});

/** What the tag takes of a letter: nothing that differs when the same is sent again. */
export const letterForTag = (l: Letter): string =>
  json(
    letterDocument({
      ...l,
      day: "",
      language: "" as Language,
      attachments: l.attachments.map((a) => ({ ...a, object: "0".repeat(64) })),
    }),
  );

/** Without the reporter's words if the case is split, since readers open it without a record then. */
export const summaryDocument = (l: Letter, split: boolean) => ({
  v: 1,
  case: l.case,
  day: l.day,
  language: l.language,
  unit: l.unit,
  without: some(l.without),
  reporter: l.reporter,
  category: orAbsent(l.report?.jenis),
  title: split ? "" : titleOf(l.report?.apa ?? ""),
  files: l.attachments.length,
});

/** The beginning of what happened, at most 80 characters on one line. */
export function titleOf(what: string): string {
  const most = 80;
  const line = what.split(/[\p{White_Space}\p{Cc}]+/u).filter((w) => w !== "").join(" ");
  const chars = [...line];
  if (chars.length <= most) return line;
  let cut = chars.slice(0, most).join("");
  const space = cut.lastIndexOf(" ");
  if (utf8(cut.slice(0, Math.max(space, 0))).length > most / 2) cut = cut.slice(0, space);
  return cut + "…";
}

/** Text as forms send it: lines ended by \n alone, no control characters but that and tabs. */
export const cleanText = (s: string): string =>
  new TextDecoder().decode(utf8(s.replace(/\r\n?/g, "\n").replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "")));

/** The last part of a path, at most 255 characters: no folder's name goes along. */
export const cleanName = (s: string): string =>
  [...cleanText(s.slice(Math.max(s.lastIndexOf("/"), s.lastIndexOf("\\")) + 1)).replace(/[\n\t]/g, "")].slice(0, 255).join("").trim();

/** The media type that the browser gives, without parameters. */
export const cleanType = (s: string): string => {
  const kind = s.split(";")[0]!.trim().toLowerCase();
  return kind.length <= 64 && /^[!#$&^_.+a-z0-9-]+\/[!#$&^_.+a-z0-9-]+$/.test(kind) ? kind : "application/octet-stream";
};
