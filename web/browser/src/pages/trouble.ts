// Failures of the worker, in the words of a page.

import { Failure, type FailureKind } from "../types.js";
import type { Problem } from "./fill.js";
import type { Words } from "./words.js";

/** Whether a failure means that nothing may be sent: the readers can't be trusted, or the vault isn't what it was. */
export function isDistrust(kind: FailureKind): boolean {
  return kind.startsWith("roster-") || kind === "clock" || kind === "tampered";
}

/** What failed here and need not fail at the server: it can lock what was typed instead. */
const local: FailureKind[] = ["internal", "recipient", "blocked", "timeout"];

/** The way instead is that to the server, where the page has one: it says what the server sees then. */
export function troubles(words: Words, kind: FailureKind, instead?: { what: string; go: () => void }): Problem[] {
  const keys = [kind === "closed" ? "intake.check.closed" : kind === "tampered" ? "intake.tampered.missing" : `intake.device.${kind}`];
  if (!words.has(keys[0]!)) keys[0] = "intake.device.internal";
  if (kind.startsWith("roster-") || kind === "tampered") keys.push("intake.device.distrust");
  const problems: Problem[] = keys.map((key) => ({ field: "", text: words.t(key) }));
  if (instead && local.includes(kind)) problems.push({ field: "", text: words.t(instead.what), way: { text: words.t("intake.device.instead"), go: instead.go } });
  return problems;
}

export const kindOf = (e: unknown): FailureKind => (e instanceof Failure ? e.kind : "internal");
