// Signed notes (golang.org/x/mod/sumdb/note, C2SP signed-note) with Ed25519, and
// the cosignatures of witnesses on them (C2SP tlog-cosignature).

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal, fromBase64, text, toHex, utf8 } from "./bytes.js";

const mostSignatures = 100;

export interface Verifier {
  name: string;
  hash: Uint8Array; // the first four bytes of what names the key
  key: Uint8Array;
  cosigns?: boolean; // with the time before the signature, as witnesses do
}

/** The first byte of a key, which tells its kind. */
const kinds = { ed25519: 1, cosignature: 4, mldsa: 6 };

const hashOf = (name: string, kind: number, key: Uint8Array): Bytes => sha256(concat(utf8(name + "\n"), Uint8Array.of(kind), key)).slice(0, 4) as Bytes;

/** Reads the form that all verifier keys have: name+hash+base64. */
function read(vkey: string): Verifier & { kind: number } {
  const m = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
  const [kind, ...key] = m ? fromBase64(m[3]!) : [];
  if (!m || kind === undefined || !validName(m[1]!)) throw new Error("malformed verifier key");
  const v = { name: m[1]!, kind, hash: hashOf(m[1]!, kind, Uint8Array.from(key)), key: Uint8Array.from(key) };
  if (m[2] !== toHex(v.hash)) throw new Error("malformed verifier key");
  return v;
}

/** Reads a verifier key of Ed25519. */
export function verifierOf(vkey: string): Verifier {
  const v = read(vkey);
  if (v.kind !== kinds.ed25519 || v.key.length !== 32) throw new Error("malformed verifier key");
  return v;
}

/**
 * Reads the verifier key of a witness. One key of Ed25519 may be given as that kind or as the other. By one of ML-DSA
 * nothing can be verified here, so that none of its cosignatures counts.
 */
export function cosignerOf(vkey: string): Verifier {
  const { name, kind, key } = read(vkey);
  const cosigns = (kind === kinds.ed25519 || kind === kinds.cosignature) && key.length === 32;
  // By a key of small order signatures are good that were made without it.
  if (cosigns && ed25519.Point.fromBytes(key).isSmallOrder()) throw new Error("malformed verifier key");
  if (!cosigns && (kind !== kinds.mldsa || key.length !== 1312)) throw new Error("malformed verifier key");
  return { name, hash: cosigns ? hashOf(name, kinds.cosignature, key) : new Uint8Array(), key, cosigns };
}

export interface Note {
  text: string;
  signers: Verifier[]; // those of the known keys that signed
}

/** Opens a note: it must be signed by one known key at least, and no signature of a known key may be wrong. */
export function openNote(msg: Uint8Array | string, known: Verifier[]): Note {
  const s = typeof msg === "string" ? msg : text(msg);
  const split = s.lastIndexOf("\n\n");
  if (/[\x00-\x09\x0b-\x1f]/.test(s) || split < 0 || !s.endsWith("\n")) throw new Error("malformed note");
  const body = s.slice(0, split + 1);
  const lines = s.slice(split + 2).split("\n").slice(0, -1);
  if (lines.length === 0 || lines.length > mostSignatures) throw new Error("malformed note");
  const signers: Verifier[] = [];
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
    if (!verify(v, body, signature.slice(4))) throw new Error("wrong signature");
    signers.push(v);
  }
  if (signers.length === 0) throw new Error("note is not signed by a known key");
  return { text: body, signers };
}

const validName = (name: string): boolean => name !== "" && !/[\s+]/u.test(name);

function verify({ key, cosigns }: Verifier, body: string, signature: Uint8Array): boolean {
  try {
    if (cosigns) {
      body = `cosignature/v1\ntime ${new DataView(signature.buffer).getBigUint64(0)}\n${body}`;
      signature = signature.subarray(8);
    }
    // RFC 8032 with the cofactor, as crypto/signature has it; ZIP 215 would take more.
    return ed25519.verify(signature, utf8(body), key, { zip215: false });
  } catch {
    return false;
  }
}
