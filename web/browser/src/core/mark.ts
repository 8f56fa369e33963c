// What tells a content's bytes from others for the tag of a form: the twin of
// internal/submission/mark.go. GMAC is what a browser does by itself, out of this
// thread, ten times as fast as any digest in a script.

import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, utf8 } from "./bytes.js";

const chunkSize = 256 << 10;

export class Mark {
  private readonly tags = sha256.create();
  private readonly key: Promise<CryptoKey> | null;
  private readonly chunk: Bytes = new Uint8Array(chunkSize);
  private held = 0;
  private n = 0; // chunks so far
  private last: Promise<unknown> = Promise.resolve();

  /** Where a browser has no subtle, as on pages that it doesn't trust, a digest in this thread does it: marks are compared with those of the same page alone. */
  constructor(
    tagKey: Bytes,
    private readonly subtle: SubtleCrypto | null = crypto.subtle ?? null,
  ) {
    this.key = subtle ? subtle.importKey("raw", hkdf(sha256, tagKey, undefined, utf8("suluh.example/mark/v1"), 32) as Bytes, "AES-GCM", false, ["encrypt"]) : null;
    this.key?.catch(() => {}); // it is thrown where it is awaited
  }

  /** Takes the next bytes; they are the caller's again once the promise is kept. */
  async add(b: Uint8Array): Promise<void> {
    if (!this.key) {
      this.tags.update(b);
      return;
    }
    for (let at = 0; at < b.length; ) {
      const part = b.subarray(at, at + chunkSize - this.held);
      this.chunk.set(part, this.held);
      this.held += part.length;
      at += part.length;
      if (this.held === chunkSize) await this.end();
    }
  }

  private async end(): Promise<void> {
    await this.last; // so that they stay in order
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setBigUint64(4, BigInt(this.n++));
    const tag = this.subtle!.encrypt({ name: "AES-GCM", iv, additionalData: this.chunk.subarray(0, this.held) }, await this.key!, new Uint8Array(0));
    this.held = 0;
    this.last = tag.then((t) => this.tags.update(new Uint8Array(t)));
    this.last.catch(() => {}); // likewise
  }

  async sum(): Promise<Bytes> {
    if (this.held > 0) await this.end();
    await this.last;
    return this.tags.digest() as Bytes;
  }
}
