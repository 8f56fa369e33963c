// Case codes: ten words and the secrets that are derived from them. The twin of
// crypto/casecode.

import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import wordsText from "../../../../crypto/casecode/words.txt";
import type { CodeError, Correction } from "../types.js";
import { type Bytes, concat, fromBase64, toBase64, toHex, utf8 } from "./bytes.js";
import { identityOf } from "./seal.js";

const length = 10;
const bitsOfWord = 11;
export const entropyBytes = 13; // for 99 bits; the last 5 are zero
const mostInput = 4 << 10; // bytes; ten words have at most 89
const mostChoices = 4096; // combinations of corrections tried

// The bundler has put the length of what a word shares with the one before in
// its place: see build.mjs.
const list: string[] = [];
for (const [, shared, rest] of wordsText.matchAll(/([0-9])([a-z]+)/g)) list.push((list[list.length - 1] ?? "").slice(0, +shared!) + rest);

export class Code {
  private constructor(
    private readonly words_: number[],
    private readonly entropy: Bytes,
  ) {}

  /** The code of the first 99 bits. */
  static from(entropy: Uint8Array): Code {
    const e = entropy.slice(0, entropyBytes) as Bytes;
    e[entropyBytes - 1]! &= 0xe0;
    const words: number[] = [];
    for (let w = 0; w < length - 1; w++) {
      let at = 0;
      for (let i = w * bitsOfWord; i < (w + 1) * bitsOfWord; i++) at = (at << 1) | ((e[i >> 3]! >> (7 - (i & 7))) & 1);
      words.push(at);
    }
    return new Code([...words, checksum(e)], e);
  }

  /** The code of ten places in the list, or null if the last is not the checksum. */
  static of(words: number[]): Code | null {
    const e = new Uint8Array(entropyBytes);
    for (let i = 0; i < (length - 1) * bitsOfWord; i++) {
      const bit = (words[Math.floor(i / bitsOfWord)]! >> (bitsOfWord - 1 - (i % bitsOfWord))) & 1;
      e[i >> 3]! |= bit << (7 - (i & 7));
    }
    return checksum(e) === words[length - 1] ? new Code(words, e) : null;
  }

  get words(): string[] {
    return this.words_.map((w) => list[w]!);
  }

  is(other: Code): boolean {
    return this.words.join() === other.words.join();
  }

  /** By which the vault finds the case, in hexadecimal. */
  get lookup(): string {
    return toHex(this.derive("lookup"));
  }

  /** The key of case cards. */
  get mac(): Bytes {
    return this.derive("mac");
  }

  /** The reporter's age identity, to which answers are sealed. */
  get identity(): string {
    return identityOf(this.derive("identity"));
  }

  /** The public key that answers are destroyed by, in base64. */
  get reporter(): string {
    return toBase64(ed25519.getPublicKey(this.derive("sign")));
  }

  sign(message: string): string {
    return toBase64(ed25519.sign(utf8(message), this.derive("sign")));
  }

  /** Whether this code has signed. */
  signed(message: string, signature: string): boolean {
    try {
      return ed25519.verify(fromBase64(signature), utf8(message), ed25519.getPublicKey(this.derive("sign")), { zip215: false });
    } catch {
      return false;
    }
  }

  private derive(label: string): Bytes {
    return hkdf(sha256, this.entropy, undefined, utf8("suluh.example/casecode/v1/" + label), 32) as Bytes;
  }
}

function checksum(e: Uint8Array): number {
  const sum = sha256(concat(utf8("suluh.example/casecode/v1/checksum"), e));
  return (sum[0]! << 3) | (sum[1]! >> 5);
}

export type Parsed = { code: Code; corrections: Correction[] } | { wrong: CodeError };

/** Reads a code as people type it: see casecode.Parse. */
export function parse(typed: string): Parsed {
  const words = split(typed);
  if (words.length === 0) return wrong({ code: "empty" });
  if (words.length !== length) return wrong({ code: "count", got: words.length });
  const choices: number[][] = [];
  let unknown = -1;
  for (const [i, shown] of words.entries()) {
    const w = byteString(shown);
    const at = lookUp(w);
    if (at >= 0) {
      choices.push([at]);
      continue;
    }
    const near = nearest(w);
    if (near.length === 0) return wrong({ code: "word", place: i + 1, typed: shown });
    choices.push(near);
    if (unknown < 0) unknown = i;
  }
  const found = combine(choices);
  if (found.length === 1) {
    const code = found[0]!;
    const corrections: Correction[] = [];
    for (const [i, shown] of words.entries()) {
      const w = byteString(shown);
      const word = code.words[i]!;
      if (choices[i]!.length > 1 || !word.startsWith(w.slice(0, 4)) || lookUp(w) < 0) corrections.push({ place: i + 1, typed: shown, word });
    }
    return { code, corrections };
  }
  if (unknown >= 0) {
    return wrong({ code: "word", place: unknown + 1, typed: words[unknown]!, suggestion: list[choices[unknown]![0]!]! });
  }
  return wrong({ code: "checksum" });
}

const wrong = (e: Pick<CodeError, "code"> & Partial<CodeError>) => ({ wrong: { got: 0, place: 0, typed: "", suggestion: "", ...e } });

/** Takes the words out of what was typed. */
export function split(typed: string): string[] {
  const cut = new TextDecoder().decode(utf8(typed).subarray(0, mostInput));
  // One letter for each, as Go lowers them.
  const lower = [...cut.normalize("NFKC")].map((c) => [...c.toLowerCase()][0]).join("");
  return lower.split(/[^\p{L}\p{M}]+/u).filter((w) => w !== "");
}

// Words are compared byte by byte, each a character of a string.
const byteString = (s: string): string => String.fromCharCode(...utf8(s));

/** The place of a word by all its letters or at least its first four, or -1. */
function lookUp(w: string): number {
  const at = list.findIndex((word) => word >= w);
  if (at < 0) return -1;
  return list[at] === w || (w.length >= 4 && list[at]!.startsWith(w)) ? at : -1;
}

/** The words that one mistyped letter turns into w, the nearest first. */
function nearest(w: string): number[] {
  if (w.length > 12) return [];
  const whole: number[] = [];
  const prefix: number[] = [];
  for (const [i, word] of list.entries()) {
    if (oneOff(w, word)) whole.push(i);
    else if (w.length <= 5 && oneOff(w, word.slice(0, 4))) prefix.push(i);
  }
  return [...whole, ...prefix];
}

/** The codes among the choices, at most two of them. */
function combine(choices: number[][]): Code[] {
  const n = choices.reduce((n, c) => n * c.length, 1);
  const found: Code[] = [];
  if (n > mostChoices) return found;
  for (let i = 0; i < n && found.length < 2; i++) {
    let rest = i;
    const code = Code.of(
      choices.map((c) => {
        const word = c[rest % c.length]!;
        rest = Math.floor(rest / c.length);
        return word;
      }),
    );
    if (code) found.push(code);
  }
  return found;
}

/** Whether one wrong, missing or extra letter, or two swapped, turn a into b. */
function oneOff(a: string, b: string): boolean {
  if (a.length > b.length) [a, b] = [b, a];
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  switch (b.length - a.length) {
    case 0:
      if (i === a.length) return false;
      if (a.slice(i + 1) === b.slice(i + 1)) return true;
      return i + 1 < a.length && a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2);
    case 1:
      return a.slice(i) === b.slice(i + 1);
  }
  return false;
}
