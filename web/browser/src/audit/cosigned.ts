// Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519).

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, equal, fromBase64, utf8 } from "../core/bytes.js";
import { Fault } from "./fault.js";

/** Of what it takes so many: witnesses by their verifier keys, or groups of them. */
export interface Quorum {
  key?: string;
  need?: number;
  of?: Quorum[];
}

/** The witnesses of a policy. */
export const witnessesOf = (q: Quorum): string[] => (q.key ? [q.key] : (q.of ?? []).flatMap(witnessesOf));

/** Whether the witnesses that signed are enough. */
export const enough = (q: Quorum, signed: Set<string>): boolean =>
  q.key ? signed.has(q.key) : (q.of ?? []).filter((x) => enough(x, signed)).length >= (q.need ?? Infinity);

/** A verifier key's name, and its key with the byte before it that tells its kind. */
function read(vkey: string): { name: string; key: Bytes } {
  const [, name, key] = /^([^+]+)\+[0-9a-f]{8}\+(.+)$/.exec(vkey)!; // the server's parser has taken it
  return { name: name!, key: fromBase64(key!) };
}

const ed25519Kinds = [1, 4]; // plain, and as tlog-cosignature has it: one key may be given as either

/** Whether this code can check what a witness signs; suluh audit verify can check others. */
export const isEd25519 = (vkey: string): boolean => ed25519Kinds.includes(read(vkey).key[0]!);

/** Which of the witnesses have signed a checkpoint. A signature in the name of one that isn't its own is a fault. */
export function signedBy(checkpoint: string, witnesses: string[]): Set<string> {
  const split = checkpoint.lastIndexOf("\n\n");
  const body = checkpoint.slice(0, split + 1);
  const signed = new Set<string>();
  for (const vkey of witnesses.filter(isEd25519)) {
    const { name, key } = read(vkey);
    key[0] = 4;
    const id = sha256(concat(utf8(name + "\n"), key)).subarray(0, 4);
    for (const line of checkpoint.slice(split + 2).split("\n")) {
      const m = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
      if (m?.[1] !== name) continue;
      let good = false;
      try {
        const signature = fromBase64(m![2]!);
        if (!equal(signature.subarray(0, 4), id)) continue; // another key of that name
        const time = new DataView(signature.buffer, signature.byteOffset + 4).getBigUint64(0);
        good = ed25519.verify(signature.subarray(12), utf8(`cosignature/v1\ntime ${time}\n${body}`), key.subarray(1), { zip215: false });
      } catch {
        // malformed: it isn't good
      }
      if (!good) throw new Fault("witness", { path: "checkpoint.cosigned" });
      signed.add(vkey);
    }
  }
  return signed;
}
