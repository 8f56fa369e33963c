// SHA-256 of what streams past, in a worker of its own: no browser offers it as
// a stream, and beside the sealing it costs no time where there is a second
// core. Buffers come back and are used again: the message in which one came keeps
// its memory until garbage is collected, whatever becomes of it.

import { SHA256 } from "@stablelib/sha256";
import { type Bytes, toHex } from "./core/bytes.js";
import { newWorker } from "./trusted.js";

/** The name of such a worker. */
export const hasherName = "digest";

const mostWaiting = 4; // buffers that the worker has not looked at

/** The part of a worker's scope that is used: DOM's types and those of workers exclude each other. */
export interface Scope {
  readonly name: string;
  onmessage: ((e: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

/** What the worker does: buffers come and go back, until none comes. */
export function hash(scope: Scope): void {
  const h = new SHA256();
  scope.onmessage = ({ data }: MessageEvent<Bytes | null>) => {
    if (data) {
      h.update(data);
      scope.postMessage(data, [data.buffer]);
      return;
    }
    scope.postMessage(toHex(h.digest()));
    h.reset();
  };
}

export class Hasher {
  private readonly worker: Worker;
  private readonly free: ArrayBuffer[] = [];
  private waiting = 0;
  private wake: (() => void) | null = null;
  private digested: ((digest: string) => void) | null = null;
  private broken: Error | null = null;

  constructor(script: string) {
    this.worker = newWorker(script, { name: hasherName });
    this.worker.onmessage = ({ data }: MessageEvent<Bytes | string>) => {
      if (typeof data === "string") {
        this.digested?.(data);
      } else {
        this.waiting--;
        this.free.push(data.buffer);
      }
      this.wake?.();
    };
    this.worker.onerror = () => {
      this.broken = new Error("the worker of digests does not run");
      this.wake?.();
    };
  }

  /** A buffer of n bytes, one that was hashed if there is. */
  buffer(n: number): Bytes {
    const used = this.free.pop();
    return used && used.byteLength >= n ? new Uint8Array(used, 0, n) : new Uint8Array(n);
  }

  /** Takes back a buffer that was not used. */
  keep(b: Bytes): void {
    this.free.push(b.buffer);
  }

  /** Takes bytes, whose buffer is gone for the caller. */
  async add(b: Bytes): Promise<void> {
    this.waiting++;
    this.worker.postMessage(b, [b.buffer]);
    while (this.waiting > mostWaiting) await this.next();
  }

  /** The digest of all that was added; the next one begins anew. */
  async digest(): Promise<string> {
    let got = "";
    this.digested = (d) => (got = d);
    this.worker.postMessage(null);
    while (got === "") await this.next();
    return got;
  }

  private async next(): Promise<void> {
    if (!this.broken) await new Promise<void>((wake) => (this.wake = wake));
    if (this.broken) throw this.broken;
  }

  stop(): void {
    this.worker.terminate();
  }
}
