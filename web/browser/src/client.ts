// The page's side of the worker: what the pages call. It holds no secret.

import type { CodeError, Form, Inspection, Progress, Reply, Roster, Sent, State, View } from "./types.js";

/** Everything that pages can ask of the worker. Every promise rejects with a Failure. */
export interface Client {
  readonly state: State;
  readonly roster: Roster;

  /**
   * Fixes code and keys of a report; they are made on this device, for the page's life. The same choice of readers has
   * the same code until forget is called.
   */
  prepare(form: Pick<Form, "unit" | "without">): Promise<{ words: string[] }>;

  /** Seals and sends a report. The same form sent again is the same case. */
  send(form: Form, files: File[], onProgress: (p: Progress) => void, signal: AbortSignal): Promise<Sent>;

  /** Tells what a file says besides what it shows. */
  inspect(file: File): Promise<Inspection>;

  /** Opens a case by what was typed as its code; the code stays here. */
  look(typed: string): Promise<View | CodeError>;

  /** Sends a message to a case. The once value makes the same message sent again the same. */
  reply(view: View, once: string, reply: Reply, files: File[], onProgress: (p: Progress) => void, signal: AbortSignal): Promise<Sent>;

  /** Destroys an answer in the vault: its bytes are gone when the promise is kept. */
  destroy(view: View, object: string): Promise<void>;

  /** Checks what was typed against the code that prepare gave: null if it is that. */
  tryCode(typed: string): Promise<TryError | null>;

  /** Asks how the vault is, and which roster holds. */
  refresh(): Promise<void>;

  /** Forgets seed, codes and cases. */
  forget(): Promise<void>;

  /** Ends the worker: everything in it is gone. */
  stop(): void;
}

/** Why a code that was tried is not the one shown: the first wrong word, or only that it is another code. */
export type TryError = CodeError | { code: "differs"; place: number } | { code: "other" };

/** Starts the worker and checks roster and log. */
export type Start = (base: string, rootKey: string) => Promise<Client>;
