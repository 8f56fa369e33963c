// A case as the reporter sees it with the code, checked against the cards. The
// twin of internal/submission/view.go.

import type { Day, Message, Status, View, Warning } from "../types.js";
import { digestOf } from "./bytes.js";
import { openCard } from "./card.js";
import type { Code } from "./casecode.js";
import { decodeStream } from "./frame.js";
import { openNote, type Verifier } from "./note.js";
import { openDocument, record, type SealedObject } from "./seal.js";

/** A view and what only the worker may know. */
export interface Seen {
  view: Omit<View, "handle" | "corrections">;
  recipient: string; // of the case
}

interface Answer {
  time: string;
  day: Day;
  status: Status | "";
  due: Day;
  text: string;
  by: string;
  object: string;
}

interface Stored extends SealedObject {
  day: Day;
  destroyed?: { day: Day; status?: boolean; signature: string };
}

/** What a reporter signs to have an answer destroyed. */
export const destroyText = (origin: string, name: string, object: string): string => `suluh.example/destroy/v1\n${origin}\n${name}\n${object}\n`;

/** Opens the answer stream of a look-up. Throws if the stream itself is broken. */
export async function viewOf(stream: Uint8Array, code: Code, origin: string, members: Verifier[]): Promise<Seen> {
  const { head, objects } = decodeStream(stream);
  const bytes = new Map<string, Uint8Array>();
  for (const o of objects) {
    if (digestOf(o.bytes) !== o.object.digest) throw new Error("broken stream");
    bytes.set(o.object.digest, o.bytes);
  }
  const held = (head.objects ?? []) as Stored[];
  const identity = code.identity;
  const mac = code.mac;
  const warnings = new Set<Warning>();
  const answers: Answer[] = [];
  const messages: Message[] = [];
  let recipient = "";
  let unit = "";
  let since: Day = "";
  let cards = 0;
  let statusGone = false;
  for (const o of held) {
    if (o.role === "card") {
      const card = await openCard(bytes.get(o.digest) ?? new Uint8Array(0), identity, mac).catch(() => null);
      if (!card || card.case !== head.case) {
        warnings.add("card");
        continue;
      }
      cards++;
      if (!card.objects.every((want) => held.some((h) => sameObject(h, want)))) warnings.add("missing");
      if (recipient !== "" && (recipient !== card.recipient || unit !== card.unit)) warnings.add("key");
      ({ recipient, unit } = card);
      if (since === "" || card.day < since) since = card.day;
      if (card.letter) messages.push({ ...blank, day: card.day, files: card.files });
    } else if (o.role === "answer" && o.destroyed) {
      // Only whoever has the code can have signed that. Without this, the vault
      // could drop an answer and say that the reporter did.
      if (!code.signed(destroyText(origin, String(head.case), o.digest), o.destroyed.signature)) {
        warnings.add("destroyed");
        continue;
      }
      messages.push({ ...blank, day: o.day, object: o.digest, destroyed: o.destroyed.day });
      statusGone ||= o.destroyed.status === true;
    } else if (o.role === "answer") {
      const a = await openAnswer(bytes.get(o.digest) ?? new Uint8Array(0), String(head.case), identity, members).catch(() => null);
      if (a) answers.push({ ...a, object: o.digest });
      else warnings.add("signature");
    }
  }
  if (cards === 0) warnings.add("card");
  let status: View["status"] = "received";
  let due: Day = "";
  const history: View["history"] = [{ status: "received", day: since }];
  answers.sort((a, b) => compareTimes(a.time, b.time));
  for (const a of answers) {
    if (a.status !== "") {
      ({ status, due } = a);
      history.push({ status: a.status, day: a.day });
    }
    if (a.text !== "") messages.push({ ...blank, day: a.day, by: a.by, text: a.text, object: a.object, tells: a.status });
  }
  if (statusGone) status = due = "";
  messages.reverse();
  messages.sort((a, b) => (a.day < b.day ? 1 : a.day > b.day ? -1 : 0));
  const view = { case: String(head.case), unit, since, status, due, messages, history, inLog: head.in_log === true, logged: said(head.logged), receipt: said(head.receipt), warnings: [...warnings] };
  return { view, recipient };
}

const said = (value: unknown): string => String(value ?? "");

const blank: Message = { day: "", by: "", text: "", files: 0, object: "", tells: "", destroyed: "" };

const sameObject = (a: SealedObject, b: SealedObject): boolean => a.role === b.role && a.digest === b.digest && a.size === b.size;

async function openAnswer(sealed: Uint8Array, of: string, identity: string, members: Verifier[]): Promise<Omit<Answer, "object">> {
  const { signed } = await openDocument(sealed, identity);
  const n = openNote(String(signed), members);
  const [kind, body] = n.text.split("\n");
  const a = record(JSON.parse(body ?? ""));
  if (kind !== "suluh.example/answer/v1" || n.signers.length !== 1 || a.v !== 1 || a.case !== of) throw new Error("not an answer of this case");
  const field = (name: string) => (typeof a[name] === "string" ? (a[name] as string) : "");
  return { time: field("time"), day: field("day"), status: field("status") as Status | "", due: field("due"), text: field("text"), by: n.signers[0]!.name };
}

/** Orders RFC 3339 times, to the fractions of a second that Date leaves out. */
function compareTimes(a: string, b: string): number {
  const fraction = (s: string) => (/\.([0-9]+)/.exec(s)?.[1] ?? "").padEnd(9, "0");
  const whole = (s: string) => Date.parse(s.replace(/\.[0-9]+/, ""));
  return whole(a) - whole(b) || (fraction(a) < fraction(b) ? -1 : fraction(a) > fraction(b) ? 1 : 0);
}

