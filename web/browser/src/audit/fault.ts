/** What is wrong with a log, by a word of internal/check, or what this browser alone can notice. */
export type Kind = "checkpoint" | "shrunk" | "fork" | "tree" | "tile" | "missing" | "form" | "order" | "signature" | "roster" | "key" | "page" | "witness";

export interface Place {
  record?: number;
  path?: string;
}

/** The log is at fault. */
export class Fault extends Error {
  constructor(readonly kind: Kind, readonly place: Place = {}) {
    super(kind);
  }
}
