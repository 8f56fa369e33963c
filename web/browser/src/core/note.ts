// Signed notes (golang.org/x/mod/sumdb/note, C2SP signed-note) with Ed25519.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equal, fromBase64, text, utf8 } from "./bytes.js";

const mostSignatures = 100;

export interface Verifier {
  name: string;
  hash: Uint8Array; // the first four bytes of what names the key
  key: Uint8Array;
}

/** Reads a verifier key: name+hash+base64. */
export function verifierOf(vkey: string): Verifier {
  const m = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
  const named = m && fromBase64(m[3]!);
  if (!m || !named || !validName(m[1]!) || named.length !== 33 || named[0] !== 1) throw new Error("malformed verifier key");
  const hash = sha256(concat(utf8(m[1]! + "\n"), named)).subarray(0, 4);
  if (parseInt(m[2]!, 16) !== new DataView(hash.slice().buffer).getUint32(0)) throw new Error("malformed verifier key");
  return { name: m[1]!, hash, key: named.subarray(1) };
}

export interface Note {
  text: string;
  signers: string[]; // names of those of the known keys that signed
}

/** Opens a note: it must be signed by one known key at least, and no signature of a known key may be wrong. */
export function openNote(msg: Uint8Array | string, known: Verifier[]): Note {
  const s = typeof msg === "string" ? msg : text(msg);
  const split = s.lastIndexOf("\n\n");
  if (/[\x00-\x09\x0b-\x1f]/.test(s) || split < 0 || !s.endsWith("\n")) throw new Error("malformed note");
  const body = s.slice(0, split + 1);
  const lines = s.slice(split + 2).split("\n").slice(0, -1);
  if (lines.length === 0 || lines.length > mostSignatures) throw new Error("malformed note");
  const signers: string[] = [];
  const seen = new Set<Verifier>();
  for (const line of lines) {
    const m = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
    const signature = m && fromBase64(m[2]!);
    if (!m || !signature || !validName(m[1]!) || signature.length < 5) throw new Error("malformed note");
    const same = known.filter((v) => v.name === m[1] && equal(v.hash, signature.subarray(0, 4)));
    if (same.length > 1) throw new Error("ambiguous key");
    const v = same[0];
    if (!v || seen.has(v)) continue;
    seen.add(v);
    if (!verify(v.key, utf8(body), signature.subarray(4))) throw new Error("wrong signature");
    signers.push(v.name);
  }
  if (signers.length === 0) throw new Error("note is not signed by a known key");
  return { text: body, signers };
}

const validName = (name: string): boolean => name !== "" && !/[\s+]/u.test(name);

function verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    // RFC 8032 with the cofactor, as crypto/signature has it; ZIP 215 would take more.
    return ed25519.verify(signature, message, key, { zip215: false });
  } catch {
    return false;
  }
}
