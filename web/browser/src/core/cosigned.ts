// What witnesses have cosigned of a log, by the policy that says which of them
// count and how many of them it takes (C2SP tlog-policy). The twin of
// internal/witness and of what internal/reporter makes of it.

import { text, fromBase64, utf8 } from "./bytes.js";
import { isContinued, openCheckpoint } from "./log.js";
import { cosignerOf, openNote, type Verifier } from "./note.js";
import type { RosterProof } from "./roster.js";
import { Failure } from "../types.js";

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

/**
 * Which of the witnesses have cosigned a checkpoint of a log. Throws if the log has not signed it, or if a signature is
 * wrong: nobody may hide behind one.
 */
export function signedBy(checkpoint: string, log: Verifier, witnesses: string[]): Set<string> {
  const keys = new Map(witnesses.map((w) => [cosignerOf(w), w]));
  return new Set(openNote(checkpoint, [log, ...keys.keys()]).signers.flatMap((v) => keys.get(v) ?? []));
}

const mostPolicy = 16 << 10; // bytes
const mostWitnesses = 32;
const keywords = ["witness", "group", "any", "all", "none", "quorum", "log"];

/** Reads a policy, in which every witness has its address. Throws for any that Go refuses. */
export function parsePolicy(policy: string): Quorum {
  const must = (ok: unknown) => {
    if (!ok) throw new Error("not a policy");
  };
  must(utf8(policy).length <= mostPolicy && !/[\0-\x08\x0b-\x1f\x7f-\x9f\ufeff]/.test(policy));
  const named = new Map<string, Quorum>();
  const urls = new Map<Quorum, string>();
  let chosen = "";
  for (const line of policy.split("\n")) {
    const [what, name = "", ...rest] = line.replace(/#[^]*/, "").split(/\s+/).filter(Boolean);
    if (!what || what === "log") continue;
    if (what === "quorum") {
      must(name && rest.length === 0);
      chosen = name;
      continue;
    }
    must(!named.has(name) && !keywords.includes(name));
    const q: Quorum = {};
    if (what === "witness") {
      const [key, url = ""] = rest;
      must(rest.length === 2 && cosignerOf(key!));
      q.key = key!;
      urls.set(q, new URL(url).href.replace(/\/*$/, ""));
    } else {
      const [need = "", ...of] = rest;
      q.need = need === "any" ? 1 : need === "all" ? of.length : +need;
      q.of = of.map((x) => named.get(x)!);
      must(what === "group" && /^(any|all|[0-9]+)$/.test(need) && q.need < 256 && q.need <= of.length && q.of.every(Boolean));
    }
    named.set(name, q);
  }
  const last = named.get(chosen) ?? {};
  const quorum = last.key ? { need: 1, of: [last] } : last;
  // No witness may count twice, and no group ask for none.
  const seen = new Set<string>();
  const fresh = (s: string) => must(!seen.has(s) && seen.add(s));
  const add = (q: Quorum) => {
    if (q.key) {
      const url = urls.get(q)!;
      fresh(q.key.replace(/\+.*/, ""));
      fresh(url);
      must(/^https?:/.test(url) && seen.size <= 2 * mostWitnesses);
    } else {
      must(q.need! > 0); // there is none where no quorum is named
      q.of!.forEach(add);
    }
  };
  add(quorum);
  return quorum;
}

/**
 * Whether a roster names witnesses, and no quorum of them has cosigned a log with the roster in it yet. Throws if the log
 * that proves the roster is another than they have cosigned.
 */
export function isUnwitnessed(p: Pick<RosterProof, "checkpoint" | "index" | "cosigned">, policy: string | undefined, log: Verifier): boolean {
  if (!policy) return false;
  let quorum: Quorum;
  try {
    quorum = parsePolicy(policy);
  } catch {
    return true; // one that says nothing, as if none had cosigned
  }
  if (!p.cosigned) return true;
  try {
    const msg = text(fromBase64(p.cosigned.checkpoint));
    const tree = openCheckpoint(msg, log);
    if (!enough(quorum, signedBy(msg, log, witnessesOf(quorum)))) return true; // of a policy before
    const proof = fromBase64(p.cosigned.consistency);
    const hashes = Array.from({ length: Math.ceil(proof.length / 32) }, (_, i) => proof.subarray(32 * i, 32 * i + 32));
    if (!isContinued(hashes, openCheckpoint(p.checkpoint, log), tree)) throw new Error("another log");
    return tree.size <= p.index;
  } catch {
    throw new Failure("roster-witnesses");
  }
}
