// Failures of the worker, in the words of a page.

import { Failure, type FailureKind } from "../types.js";
import type { Problem } from "./fill.js";
import type { Words } from "./words.js";

/** Whether a failure means that nothing may be sent: the readers can't be trusted, or the vault isn't what it was. */
export function isDistrust(kind: FailureKind): boolean {
  return kind.startsWith("roster-") || kind === "clock" || kind === "recipient" || kind === "tampered";
}

export function troubles(words: Words, kind: FailureKind): Problem[] {
  const keys = [kind === "closed" ? "intake.check.closed" : kind === "tampered" ? "intake.tampered.missing" : `intake.device.${kind}`];
  if (!words.has(keys[0]!)) keys[0] = "intake.device.internal";
  if (kind.startsWith("roster-") || kind === "tampered") keys.push("intake.device.distrust");
  return keys.map((key) => ({ field: "", text: words.t(key) }));
}

export const kindOf = (e: unknown): FailureKind => (e instanceof Failure ? e.kind : "internal");
