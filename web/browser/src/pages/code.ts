// What is wrong with a code that was typed, in the words of the server.

import type { TryError } from "../types.js";
import { shorten, type Words } from "./words.js";

export function codeProblem(words: Words, e: TryError): string {
  switch (e.code) {
    case "count":
      return words.t("intake.open.count", { N: e.got });
    case "word": {
      const values = { Place: e.place, Word: shorten(e.typed, 30), Perhaps: e.suggestion };
      return words.t(e.suggestion ? "intake.open.word.perhaps" : "intake.open.word", values);
    }
    case "checksum":
      return words.t("intake.open.order");
    case "unknown":
      return words.t("intake.open.unknown");
    case "differs":
      return words.t("intake.try.word", { Place: e.place });
    case "other":
      return words.t("intake.try.other");
    default:
      return words.t("intake.open.empty");
  }
}
