// Failures of the worker, in the words of a page.

import { Failure, type FailureKind } from "../types.js";
import type { Problem } from "./fill.js";
import type { Words } from "./words.js";

/** Whether a failure means that nothing may be sent: the readers can't be trusted, or the vault isn't what it was. */
export function isDistrust(kind: FailureKind): boolean {
  return kind.startsWith("roster-") || kind === "clock" || kind === "recipient" || kind === "tampered";
}

export function troubles(words: Words, kind: FailureKind): Problem[] {
  const say = (key: string): Problem => ({ field: "", text: words.t(key) });
  if (kind === "clock" || kind === "recipient") return [say(`intake.device.${kind}`)];
  if (kind === "tampered") return [say("intake.tampered.missing"), say("intake.device.distrust")];
  if (isDistrust(kind)) return [say(`intake.device.${kind}`), say("intake.device.distrust")];
  return [say(kind === "closed" ? "intake.check.closed" : kind === "offline" ? "intake.device.offline" : "intake.device.internal")];
}

export const kindOf = (e: unknown): FailureKind => (e instanceof Failure ? e.kind : "internal");
