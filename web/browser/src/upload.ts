// One file: sealed as a stream in constant memory, and uploaded with tus as it
// is sealed. A lost connection is taken up where it broke.

import BaseUpload, { type HttpResponse } from "tus-js-client/lib/upload.js";
import { Failure } from "./types.js";
import type { Bytes } from "./core/bytes.js";
import { encrypterTo, floors, padded, type SealedObject } from "./core/seal.js";
import type { Mark } from "./core/mark.js";
import type { Hasher } from "./hasher.js";
import { passing, Request } from "./http.js";
import { failureOf } from "./vault.js";

const chunkSize = 4 << 20; // bytes of a request at most; twice that are held, to seal while the one before is sent
const readSize = 128 << 10; // bytes that are read at once
const sealedSize = (64 << 10) + 16; // bytes that age gives at once, at most

// What is put into a blob, and hashed, at once. The browser's process gets up to 250 KiB
// right away; more stays in this one, where it takes memory, and much time to be fetched.
const partSize = 3 * sealedSize;

// After a lost connection: about half an hour of trying, anew after each byte that got through.
const delays = [500, 1000, 2000, 4000, 8000, 15000, ...Array<number>(60).fill(30000)];

export interface Content {
  size: number;
  stream: ReadableStream<Uint8Array>;
}

export interface Uploaded {
  id: string; // of the upload
  object: SealedObject;
  size: number; // of the content
  mark: Bytes; // of the content
}

/** Frees a buffer that nobody needs, at once where a browser can: as garbage it would stay for tens of megabytes. */
function free(buffer: ArrayBufferLike & { transfer?(n: number): unknown }): void {
  buffer.transfer?.(0);
}

/** Where the hasher comes from; after a failure the one in use is dropped. */
export interface HasherSource {
  start(): Hasher;
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

  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private chunk = new Blob();
  private start = 0; // of the chunk
  private following: Promise<Blob> | null = null;

  private constructor(
    sealed: ReadableStream<Uint8Array> & { size(n: number): number },
    content: number,
    private readonly mark: Mark,
    private readonly hasher: Hasher,
  ) {
    this.size = sealed.size(content);
    this.reader = sealed.getReader();
  }

  static async open(content: Content, recipient: string, mark: Mark, hasher: Hasher): Promise<SealedSource> {
    const whole = padded(content.size, floors.content);
    const sealed = await encrypterTo(recipient).encrypt(withPadding(content, whole, mark));
    return new SealedSource(sealed, whole, mark, hasher);
  }

  async slice(start: number, end: number): Promise<{ value: Blob; done: boolean }> {
    if (start === this.start + this.chunk.size) {
      this.chunk = await (this.following ?? this.fill(start));
      this.start = start;
      const next = start + this.chunk.size;
      this.following = next < this.size ? this.fill(next) : null;
      this.following?.catch(() => {}); // it is thrown where it is awaited
    }
    const at = start - this.start;
    if (at < 0 || at >= this.chunk.size) throw new OutOfStep();
    return { value: at === 0 && end >= this.start + this.chunk.size ? this.chunk : this.chunk.slice(at, end - this.start), done: false };
  }

  /** The digest of what is sealed, and the mark of the content, once all of it was sent. */
  async sums(): Promise<{ digest: string; mark: Bytes }> {
    return { digest: await this.hasher.digest(), mark: await this.mark.sum() };
  }

  close(): void {}

  async cancel(): Promise<void> {
    await this.following?.catch(() => {});
    await this.reader.cancel().catch(() => {});
  }

  /** The chunk that begins at start. It is a blob of blobs: Chromium sends bytes ten times as slowly. */
  private async fill(start: number): Promise<Blob> {
    const { hasher } = this;
    const blobs: Blob[] = [];
    let n = 0;
    let part = hasher.buffer(partSize);
    for (let held = 0, more = true; more; ) {
      const { done, value } = await this.reader.read();
      if (done || start + n + value.length > this.size) throw new Unreadable();
      part.set(value, held);
      n += value.length;
      held += value.length;
      // Header and nonce, which are short, are still age's own.
      if (value.length > 1 << 12) free(value.buffer);
      more = start + n < this.size && n + sealedSize <= chunkSize;
      if (more && held + sealedSize <= partSize) continue;
      const whole = part.subarray(0, held);
      blobs.push(new Blob([whole]));
      await hasher.add(whole);
      part = hasher.buffer(partSize);
      held = 0;
    }
    hasher.keep(part);
    return new Blob(blobs);
  }
}

/**
 * Reads a stream into buffers that are given back where a browser can: Chromium's own are up to 2 MiB large, and memory
 * like that is asked of the system and given back each time.
 */
function readerOf(stream: ReadableStream<Uint8Array>): { read(into: Bytes): Promise<ReadableStreamReadResult<Uint8Array>>; cancel(): Promise<void> } {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    const reader = stream.getReader();
    let rest: Uint8Array = new Uint8Array(0);
    return {
      read: async (into) => {
        if (rest.length === 0) {
          const r = await reader.read();
          if (r.done) return r;
          rest = r.value;
        }
        const value = into.subarray(0, rest.length);
        value.set(rest.subarray(0, value.length));
        rest = rest.subarray(value.length);
        return { done: false, value };
      },
      cancel: () => reader.cancel(),
    };
  }
  return { read: async (into) => (await reader.read(into)) as ReadableStreamReadResult<Uint8Array>, cancel: () => reader.cancel() };
}

/** The content and the zeros after it. What is read is marked, but for the zeros. */
function withPadding(content: Content, whole: number, mark: Mark): ReadableStream<Uint8Array> {
  const reader = readerOf(content.stream);
  let read = 0;
  let given = 0;
  let last: Uint8Array | null = null;
  let buffer = new ArrayBuffer(readSize);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // Nothing is asked for before what was given is sealed.
        if (last) {
          await mark.add(last);
          buffer = last.buffer as ArrayBuffer;
        }
        last = null;
        if (read < content.size) {
          const { done, value } = await reader.read(new Uint8Array(buffer)).catch(() => {
            throw new Unreadable();
          });
          if (done || read + value.length > content.size) throw new Unreadable();
          read += value.length;
          given = read;
          controller.enqueue((last = value));
        } else if (given < whole) {
          const zeros = new Uint8Array(Math.min(64 << 10, whole - given));
          given += zeros.length;
          controller.enqueue(zeros);
        } else {
          // Nothing may follow what the size said.
          if (!(await reader.read(new Uint8Array(buffer))).done) throw new Unreadable();
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
  newMark: () => Mark,
  hashers: HasherSource,
  onProgress: (sent: number, size: number, waiting: boolean) => void,
  signal: AbortSignal,
): Promise<Uploaded> {
  for (let attempt = 1; ; attempt++) {
    const content = await open().catch(() => {
      throw new Failure("unreadable-file");
    });
    const h = hashers.start();
    const source = await SealedSource.open(content, recipient, newMark(), h);
    try {
      const url = await send(endpoint, source, onProgress, signal);
      const { digest, mark } = await source.sums();
      return {
        id: url.slice(url.lastIndexOf("/") + 1),
        object: { role: "content", digest, size: source.size },
        size: content.size,
        mark,
      };
    } catch (e) {
      await source.cancel();
      h.stop();
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
        if (status !== 0 && !passing(status)) return false;
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
