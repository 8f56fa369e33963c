// The vault's endpoints as the worker asks for them: see docs/formats.md.

import type { RosterProof } from "./core/roster.js";
import { text } from "./core/bytes.js";
import { Request } from "./http.js";
import { type Day, Failure, type FailureKind, type Result, type State } from "./types.js";

const mostFound = 64 << 20; // bytes of a look-up

/** What the vault's codes of errors mean to a person. */
const meanings: Record<string, FailureKind> = {
  full: "closed",
  "no-files": "no-files",
  "too-large": "too-large",
  unknown: "unknown",
  roster: "roster",
  "no-key": "no-key",
  "no-answer": "no-answer",
  signature: "signature",
};

/** An upload that a deposit names is not there any more: it has to be sent again. */
export class UploadGone extends Failure {
  constructor() {
    super("internal");
  }
}

/** The vault does not answer, as while it starts anew. */
export class Away extends Failure {
  constructor() {
    super("closed");
  }
}

/** The service asks to wait. */
export class Busy extends Failure {
  constructor(readonly after: number /* ms */) {
    super("busy");
  }
}

const patience = 20; // times that a request is sent again because the service asks to wait
const longest = 120; // s that it may ask for

export function failureOf(status: number, body: string): Failure {
  let code: unknown;
  try {
    ({ code } = JSON.parse(body) as { code?: unknown });
  } catch {
    // Not the vault's words.
  }
  const kind = typeof code === "string" ? meanings[code] : undefined;
  if (kind) return new Failure(kind);
  if (code === "upload") return new UploadGone();
  if (status >= 502 && status <= 504) return new Away();
  return new Failure(status === 413 ? "too-large" : status === 429 ? "busy" : "internal");
}

export class Vault {
  /** The base is the URL under which the endpoints are, with a slash at its end. */
  constructor(readonly base: string) {}

  state = (): Promise<State> => this.json("GET", "state");

  rosterProof = (): Promise<RosterProof> => this.json("GET", "roster/proof");

  /** The whole answer stream of a look-up. */
  async lookup(lookup: string): Promise<Uint8Array> {
    const b = await this.ask("POST", "lookup", JSON.stringify({ lookup }));
    if (b.length > mostFound) throw new Failure("internal");
    return b;
  }

  destroy = (lookup: string, object: string, signature: string): Promise<{ day: Day }> =>
    this.json("POST", "destroy", JSON.stringify({ lookup, object, signature }));

  /** Hands in a whole deposit. */
  deposit = (stream: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<{ result: Result; receipt: string }> =>
    this.json("POST", "deposit", new Blob([stream]), signal);

  private async json<T>(method: string, endpoint: string, body?: XMLHttpRequestBodyInit, signal?: AbortSignal): Promise<T> {
    const b = await this.ask(method, endpoint, body, signal);
    try {
      return JSON.parse(text(b)) as T;
    } catch {
      throw new Failure("internal");
    }
  }

  /** Asks, and asks again once the service isn't too busy any more. */
  private async ask(method: string, endpoint: string, body: XMLHttpRequestBodyInit | null = null, signal?: AbortSignal): Promise<Uint8Array> {
    for (let i = 0; ; i++) {
      try {
        return await this.once(method, endpoint, body, signal);
      } catch (e) {
        if (!(e instanceof Busy) || i === patience) throw e;
        await pause(e.after, signal);
      }
    }
  }

  private async once(method: string, endpoint: string, body: XMLHttpRequestBodyInit | null, signal?: AbortSignal): Promise<Uint8Array> {
    if (signal?.aborted) throw new Failure("aborted");
    const r = new Request(method, this.base + endpoint);
    if (body !== null) r.setHeader("Content-Type", typeof body === "string" ? "application/json" : "application/octet-stream");
    const abort = () => void r.abort();
    signal?.addEventListener("abort", abort);
    try {
      const a = await r.send(body);
      if (a.getStatus() === 429) throw new Busy(1000 * Math.min(longest, Number(a.getHeader("Retry-After")) || 30));
      if (a.getStatus() !== 200) throw failureOf(a.getStatus(), a.getBody());
      return a.bytes;
    } catch (e) {
      if (e instanceof Failure) throw e;
      throw new Failure(signal?.aborted ? "aborted" : "offline");
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }
}

/** Waits; rejects if the signal says to stop. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new Failure("aborted"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
