// Bytes and their written forms.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { base32, base64 } from "@scure/base";

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** UTF-8; half of a surrogate pair becomes U+FFFD. */
export const utf8 = (s: string): Bytes => encoder.encode(s) as Bytes;

/** Reads UTF-8; throws for what isn't. */
export const text = (b: Uint8Array): string => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(b);

export const toHex = (b: Uint8Array): string => bytesToHex(b);
export const fromHex = (s: string): Bytes => hexToBytes(s) as Bytes;
export const toBase64 = (b: Uint8Array): string => base64.encode(b);
/** Reads standard base64 with padding; throws for any other form. */
export const fromBase64 = (s: string): Bytes => base64.decode(s) as Bytes;
export const toBase32 = (b: Uint8Array): string => base32.encode(b);

export const digestOf = (b: Uint8Array): string => toHex(sha256(b));

export const random = (n: number): Bytes => crypto.getRandomValues(new Uint8Array(n));

export function concat(...parts: Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

export const equal = (a: Uint8Array, b: Uint8Array): boolean => compare(a, b) === 0;

/** Orders bytes. It takes as long as it takes: not for secrets. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}

const escapes: Record<string, string> = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

/**
 * JSON as Go's encoding/json writes it, so that both give a form the same tag: members in the order given, those that
 * are undefined left out.
 */
export const json = (v: unknown): string => JSON.stringify(v).replace(/[<>&\u2028\u2029]/g, (c) => escapes[c]!);
