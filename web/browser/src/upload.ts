// One file: sealed as a stream in constant memory, and uploaded with tus as it
// is sealed. A lost connection is taken up where it broke.

import BaseUpload, { type HttpResponse } from "tus-js-client/lib/upload.js";
import { Failure } from "./types.js";
import type { Bytes } from "./core/bytes.js";
import { encrypterTo, floors, padded, type SealedObject } from "./core/seal.js";
import type { Hasher } from "./hasher.js";
import { Request } from "./http.js";
import { failureOf } from "./vault.js";

const chunkSize = 4 << 20; // bytes of a request; twice that are held, to seal while the one before is sent
const plainSize = 1 << 20; // bytes that are hashed at once

// After a lost connection: about half an hour of trying, anew after each byte that got through.
const delays = [500, 1000, 2000, 4000, 8000, 15000, ...Array<number>(60).fill(30000)];

const none = new Uint8Array(0);

export interface Content {
  size: number;
  stream: ReadableStream<Uint8Array>;
  own: boolean; // nobody else needs the stream's buffers
}

/** Frees a buffer that nobody needs, at once where a browser can: as garbage it would stay for tens of megabytes. */
function free(buffer: ArrayBufferLike & { transfer?(n: number): unknown }): void {
  buffer.transfer?.(0);
}

export interface Uploaded {
  id: string; // of the upload
  object: SealedObject;
  size: number; // of the content
  sha256: string;
}

export interface Hashers {
  plain: Hasher;
  sealed: Hasher;
}

/** Where hashers come from; after a failure those in use are dropped. */
export interface HasherSource {
  start(): Hashers;
  drop(): void;
}

/** A file whose bytes are not those that it had, or can't be read. */
class Unreadable extends Error {}

/** The server has another part of the upload than we could send: it has to begin anew. */
class OutOfStep extends Error {}

/**
 * The sealed content as tus asks for it: a chunk at a time, of which any part may be asked for again until the next.
 */
class SealedSource {
  readonly size: number;
  plainDigest: Promise<string> | null = null;

  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private rest: Uint8Array = none; // sealed, and not in a chunk yet
  private chunk: Bytes = new Uint8Array(0);
  private start = 0; // of the chunk
  private following: Promise<Bytes> | null = null;

  private constructor(
    sealed: ReadableStream<Uint8Array> & { size(n: number): number },
    content: number,
    private readonly hashers: Hashers,
  ) {
    this.size = sealed.size(content);
    this.reader = sealed.getReader();
  }

  static async open(content: Content, recipient: string, hashers: Hashers): Promise<SealedSource> {
    const whole = padded(content.size, floors.content);
    let source: SealedSource;
    const plain = withPadding(content, whole, hashers.plain, (digest) => (source.plainDigest = digest));
    const sealed = await encrypterTo(recipient).encrypt(plain);
    source = new SealedSource(sealed, whole, hashers);
    return source;
  }

  async slice(start: number, end: number): Promise<{ value: Blob; done: boolean }> {
    if (start === this.start + this.chunk.length) {
      const done = this.chunk;
      this.chunk = await (this.following ?? this.fill());
      this.start = start;
      this.following = null;
      if (done.length > 0) await this.hashers.sealed.add(done);
      if (this.start + this.chunk.length < this.size) {
        this.following = this.fill();
        this.following.catch(() => {}); // it is thrown where it is awaited
      }
    }
    const at = start - this.start;
    if (at < 0 || at >= this.chunk.length) throw new OutOfStep();
    // Chromium sends bytes ten times as slowly as a blob of them.
    return { value: new Blob([this.chunk.subarray(at, Math.min(end - this.start, this.chunk.length))]), done: false };
  }

  /** The digests, once all of it was sent. */
  async digests(): Promise<{ plain: string; sealed: string }> {
    await this.hashers.sealed.add(this.chunk);
    return { sealed: await this.hashers.sealed.digest(), plain: await this.plainDigest! };
  }

  close(): void {}

  async cancel(): Promise<void> {
    await this.following?.catch(() => {});
    await this.reader.cancel().catch(() => {});
  }

  private async fill(): Promise<Bytes> {
    const left = this.size - this.start - this.chunk.length;
    const b = this.hashers.sealed.buffer(Math.min(chunkSize, left));
    let n = 0;
    while (n < b.length) {
      if (this.rest.length === 0) {
        const { done, value } = await this.reader.read();
        if (done) throw new Unreadable();
        this.rest = value;
      }
      const part = this.rest.subarray(0, b.length - n);
      b.set(part, n);
      n += part.length;
      if (part.length < this.rest.length) {
        this.rest = this.rest.subarray(part.length);
        continue;
      }
      // A chunk of age's. Header and nonce, which are short, are still its own.
      if (this.rest.buffer.byteLength > 1 << 15) free(this.rest.buffer);
      this.rest = none;
    }
    return b;
  }
}

/** The content and the zeros after it. What is read is hashed, but for the zeros. */
function withPadding(content: Content, whole: number, hasher: Hasher, digested: (d: Promise<string>) => void): ReadableStream<Uint8Array> {
  const reader = content.stream.getReader();
  let read = 0;
  let given = 0;
  let last: Uint8Array | null = null;
  let batch: Bytes | null = null;
  let filled = 0;
  const take = async (b: Uint8Array) => {
    while (b.length > 0) {
      batch ??= hasher.buffer(plainSize);
      const part = b.subarray(0, batch.length - filled);
      batch.set(part, filled);
      filled += part.length;
      b = b.subarray(part.length);
      if (filled === batch.length) await flush();
    }
  };
  const flush = async () => {
    if (batch && filled > 0) await hasher.add(batch.subarray(0, filled));
    batch = null;
    filled = 0;
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // Nothing is asked for before what was given is sealed.
        if (last && content.own && last.byteLength === last.buffer.byteLength) free(last.buffer);
        last = null;
        if (read < content.size) {
          const { done, value } = await reader.read().catch(() => {
            throw new Unreadable();
          });
          if (done || read + value.length > content.size) throw new Unreadable();
          read += value.length;
          given = read;
          await take(value);
          controller.enqueue((last = value));
        } else if (given < whole) {
          const zeros = new Uint8Array(Math.min(64 << 10, whole - given));
          given += zeros.length;
          controller.enqueue(zeros);
        } else {
          // Nothing may follow what the size said.
          if (!(await reader.read()).done) throw new Unreadable();
          await flush();
          digested(hasher.digest());
          controller.close();
        }
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  );
}

/**
 * Seals and uploads one content. Sent counts sealed bytes.
 */
export async function upload(
  endpoint: string,
  open: () => Promise<Content>,
  recipient: string,
  hashers: HasherSource,
  onProgress: (sent: number, size: number, waiting: boolean) => void,
  signal: AbortSignal,
): Promise<Uploaded> {
  for (let attempt = 1; ; attempt++) {
    const content = await open().catch(() => {
      throw new Failure("unreadable-file");
    });
    const h = hashers.start();
    const source = await SealedSource.open(content, recipient, h);
    try {
      const url = await send(endpoint, source, onProgress, signal);
      const { plain, sealed } = await source.digests();
      return {
        id: url.slice(url.lastIndexOf("/") + 1),
        object: { role: "content", digest: sealed, size: source.size },
        size: content.size,
        sha256: plain,
      };
    } catch (e) {
      await source.cancel();
      h.plain.stop();
      h.sealed.stop();
      hashers.drop();
      if (e instanceof OutOfStep && attempt < 3) continue;
      if (e instanceof Unreadable) throw new Failure("unreadable-file");
      throw e instanceof Failure ? e : new Failure("internal");
    }
  }
}

/** Sends a source; returns the upload's URL. */
function send(
  endpoint: string,
  source: SealedSource,
  onProgress: (sent: number, size: number, waiting: boolean) => void,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    const u = new BaseUpload(source, {
      ...BaseUpload.defaultOptions,
      endpoint,
      chunkSize,
      retryDelays: delays,
      // Nothing of an upload is ever stored in the browser.
      storeFingerprintForResuming: false,
      fingerprint: async () => null,
      fileReader: { openFile: async () => source },
      httpStack: { createRequest: (method, target) => new Request(method, target), getName: () => "xhr" },
      onShouldRetry: ({ originalResponse, causingError }) => {
        if (causingError instanceof OutOfStep || causingError instanceof Unreadable) return false;
        const status = originalResponse?.getStatus() ?? 0;
        if (status !== 0 && status !== 409 && status !== 423 && status !== 429 && status < 500) return false;
        onProgress(sent, source.size, true);
        return true;
      },
      onProgress: (n) => {
        sent = n;
        onProgress(n, source.size, false);
      },
      onSuccess: () => done(() => resolve(u.url!)),
      onError: (e) =>
        done(() => {
          const { originalResponse: r, causingError } = e as { originalResponse?: HttpResponse | null; causingError?: Error | null };
          if (causingError instanceof OutOfStep || causingError instanceof Unreadable) {
            void u.abort(true).catch(() => {}); // what came of it is of no use
            reject(causingError);
          } else reject(r ? failureOf(r.getStatus(), r.getBody()) : new Failure("offline"));
        }),
    });
    const abort = () => done(() => void u.abort(true).catch(() => {}).then(() => reject(new Failure("aborted"))));
    const done = (f: () => void) => {
      signal.removeEventListener("abort", abort);
      f();
    };
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else u.start();
  });
}
