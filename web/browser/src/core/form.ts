// What a form derives from its seed and from who may read: see
// internal/submission. The same form is the same case with the same code.

import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, toBase32, toHex, utf8 } from "./bytes.js";
import { Code, entropyBytes } from "./casecode.js";

export interface Readers {
  unit: string;
  without: string[];
}

export interface FormKeys {
  code: Code;
  case: string;
  key: Bytes; // seed of the case identity
  list: Bytes; // seed of the list identity, if the case is split
  tag: Bytes;
}

export function formKeys(seed: Uint8Array, to: Readers): FormKeys {
  const names = [...new Set(to.without)].sort().join(",");
  const derive = (purpose: string, n: number): Bytes =>
    hkdf(sha256, seed, undefined, utf8(`suluh.example/form/v1/${purpose}\n${to.unit}\n${names}`), n) as Bytes;
  return {
    code: Code.from(derive("code", entropyBytes)),
    case: caseOf(derive("case", 10)),
    key: derive("key", 32),
    list: derive("list", 32),
    tag: derive("tag", 32),
  };
}

/** The name of a case of 10 bytes. */
export const caseOf = (b: Uint8Array): string => "K-" + toBase32(b).match(/.{4}/g)!.join("-");

/** The tag by which the vault knows a form that is sent again: pairs of name and value, keyed. */
export function tagOf(key: Uint8Array, pairs: [string, string | Uint8Array][]): string {
  const mac = hmac.create(sha256, key);
  for (const pair of pairs) {
    for (const v of pair) {
      const b = typeof v === "string" ? utf8(v) : v;
      const length = new Uint8Array(8);
      new DataView(length.buffer).setBigUint64(0, BigInt(b.length));
      mac.update(length).update(b);
    }
  }
  return toHex(mac.digest());
}
