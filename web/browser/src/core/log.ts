// The access log as the reporter's side needs it: Merkle trees (RFC 6962),
// checkpoints, the commitment to a case's readers, deposits and receipts. The
// twin of crypto/accesslog.

import { sha256 } from "@noble/hashes/sha2.js";
import type { Day } from "../types.js";
import { type Bytes, compare, concat, digestOf, equal, fromBase64, random, toBase64, toHex, utf8 } from "./bytes.js";
import { openNote, type Verifier } from "./note.js";
import type { SealedObject } from "./seal.js";

export const leafHash = (record: Uint8Array): Bytes => sha256(concat(Uint8Array.of(0), record)) as Bytes;
export const nodeHash = (left: Uint8Array, right: Uint8Array): Bytes => sha256(concat(Uint8Array.of(1), left, right)) as Bytes;

/** The largest power of two below n. */
function below(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

function treeHash(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!;
  const k = below(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

/** Whether a leaf stands at an index of a tree of size leaves. */
export function isIncluded(proof: Uint8Array[], size: number, root: Uint8Array, index: number, leaf: Uint8Array): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size || proof.some((h) => h.length !== 32)) return false;
  const run = (n: number, at: number, path: Uint8Array[]): Uint8Array | null => {
    if (n === 1) return path.length === 0 ? leaf : null;
    const last = path[path.length - 1];
    if (!last) return null;
    const k = below(n);
    const rest = path.slice(0, -1);
    const inner = at < k ? run(k, at, rest) : run(n - k, at - k, rest);
    return inner && (at < k ? nodeHash(inner, last) : nodeHash(last, inner));
  };
  const got = run(size, index, proof);
  return got !== null && equal(got, root);
}

/** Whether a tree continues one of before, or is the same. */
export function isContinued(proof: Uint8Array[], tree: Tree, before: Tree): boolean {
  if (before.size < 1 || before.size > tree.size || proof.some((h) => h.length !== 32)) return false;
  // Both trees' hashes over n records, of which the tree before has the first m; whole: it begins there too.
  const run = (n: number, m: number, path: Uint8Array[], whole: boolean): [before: Uint8Array, now: Uint8Array] | null => {
    const last = path[path.length - 1];
    if (m === n) {
      const same = whole ? before.root : last;
      return same && path.length === (whole ? 0 : 1) ? [same, same] : null;
    }
    if (!last) return null;
    const k = below(n);
    const rest = path.slice(0, -1);
    const inner = m <= k ? run(k, m, rest, whole) : run(n - k, m - k, rest, false);
    return inner && (m <= k ? [inner[0], nodeHash(inner[1], last)] : [nodeHash(last, inner[0]), nodeHash(last, inner[1])]);
  };
  const got = run(tree.size, before.size, proof, true);
  return got !== null && equal(got[0], before.root) && equal(got[1], tree.root);
}

export interface Tree {
  size: number;
  root: Uint8Array;
}

/** Opens a checkpoint of the log whose key is given. */
export function openCheckpoint(msg: string, log: Verifier): Tree {
  const m = /^([^\n]+)\n(0|[1-9][0-9]*)\n([^\n]+)\n$/.exec(openNote(msg, [log]).text);
  const root = m && fromBase64(m[3]!);
  if (!m || !root || m[1] !== log.name || !Number.isSafeInteger(+m[2]!) || root.length !== 32) throw new Error("malformed checkpoint");
  return { size: +m[2]!, root };
}

export interface WrapLeaf {
  salt: Uint8Array;
  member: string;
  wrap: string; // digest
}

export const wrapLeafHash = (w: WrapLeaf): Bytes => leafHash(utf8(`suluh.example/wrap/v1\n${toHex(w.salt)} ${w.member} ${w.wrap}\n`));

/** As many random hashes as hide the number of leaves. */
export const blindsFor = (leaves: number): Bytes[] => Array.from({ length: (8 - (leaves % 8)) % 8 }, () => random(32));

/** The commitment to a case's readers: the root over the leaves in ascending order. */
export const wrapsRoot = (hashes: Uint8Array[]): string => toBase64(treeHash([...hashes].sort(compare)));

/** What the log and a receipt say of a deposit. Wraps is "<n> <root>", or "-" for an addition to a case. */
export function depositDigest(salt: Uint8Array, name: string, wraps: string, objects: SealedObject[]): string {
  // All of it is ASCII, so that any order of strings is that of bytes.
  const lines = objects.map((o) => `object ${o.role} ${o.digest} ${o.size}\n`).sort((a, b) => (a < b ? -1 : 1));
  return digestOf(utf8(`suluh.example/deposit/v1\nsalt ${toHex(salt)}\ncase ${name}\nwraps ${wraps}\n${lines.join("")}`));
}

export interface Receipt {
  day: Day;
  due: Day;
  deposit: string;
}

/** Opens a receipt: the log's promise to have a deposit by a day. */
export function openReceipt(msg: string, log: Verifier): Receipt {
  const m = /^suluh\.example\/receipt\/v1\nlog ([^\n]+)\nday ([0-9-]{10})\ndue ([0-9-]{10})\ndeposit ([0-9a-f]{64})\n$/.exec(openNote(msg, [log]).text);
  if (!m || m[1] !== log.name) throw new Error("malformed receipt");
  return { day: m[2]!, due: m[3]!, deposit: m[4]! };
}
