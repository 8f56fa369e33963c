// The roster: who reads reports. The twin of crypto/roster, and the check that
// it is the one in force, by the log.

import { Failure, type Day, type KeyWitnesses, type Member, type Roster } from "../types.js";
import { digestOf, fromBase64, utf8 } from "./bytes.js";
import { isIncluded, leafHash, openCheckpoint } from "./log.js";
import { isUnwitnessed } from "./cosigned.js";
import { openNote, type Verifier, verifierOf } from "./note.js";
import { isRecipient, record } from "./seal.js";

/** What `GET roster/proof` answers. */
export interface RosterProof {
  roster: string; // signed note
  record: string; // the roster's record in the log
  index: number;
  checkpoint: string;
  proof: string[]; // base64
  in_force: string; // signed note
  /** What witnesses have seen of the checkpoint's log, if any has. */
  cosigned?: { checkpoint: string; consistency: string } | null; // base64: a signed note, and hashes one after another
}

/** A roster that was checked, and what follows from it. */
export interface Checked {
  roster: Roster;
  digest: string;
  log: Verifier;
  members: Verifier[];
  unwitnessed: boolean; // it names witnesses of the log, and they haven't cosigned that it is in there
}

const mostDays = 2; // that the device's date and the vault's may differ

/**
 * Checks that a roster is signed by the root key, stands in the log that it names, which is the one that its witnesses
 * have seen, and is in force on the device's date. Throws a Failure that says which of it does not hold.
 */
export function checkRoster(p: RosterProof, rootKey: string, now: Date): Checked {
  const roster = orFail("roster-signature", () => parseRoster(p.roster, rootKey));
  const digest = digestOf(utf8(p.roster));
  const log = orFail("roster-signature", () => verifierOf(roster.log_key));
  const day = orFail("roster-log", () => {
    const tree = openCheckpoint(p.checkpoint, log);
    const m = /^suluh\.example\/record\/v1\nseq ([0-9]+)\ntime [^\n]+\nkind roster\nroster ([0-9]+) ([0-9a-f]{64}) [0-9]+\n$/.exec(p.record);
    if (!m || +m[1]! !== p.index || +m[2]! !== roster.version || m[3] !== digest) throw new Error("record is not this roster's");
    if (!isIncluded(p.proof.map(fromBase64), tree.size, tree.root, p.index, leafHash(utf8(p.record)))) throw new Error("record is not in the log");
    const f = /^suluh\.example\/inforce\/v1\nlog ([^\n]+)\nday ([0-9]{4}-[0-9]{2}-[0-9]{2})\nroster ([0-9a-f]{64})\n$/.exec(openNote(p.in_force, [log]).text);
    if (!f || f[1] !== log.name) throw new Error("malformed note of the roster in force");
    if (f[3] !== digest) throw new Failure("roster-old");
    return f[2]!;
  });
  // The device is ahead of an old word, or behind the service.
  const ahead = daysBetween(day, now);
  if (!(ahead <= mostDays)) throw new Failure("roster-old");
  if (ahead < -mostDays) throw new Failure("clock");
  const unwitnessed = isUnwitnessed(p, roster.witnesses, log);
  for (const u of roster.units) {
    if ([...readersOf(roster, u.id, []), ...keyWitnessesOf(roster, u.id).all].some((r) => !isRecipient(r.recipient))) throw new Failure("recipient");
  }
  return { roster, digest, log, members: roster.members.map((m) => verifierOf(m.key)), unwitnessed };
}

function orFail<T>(kind: "roster-signature" | "roster-log", f: () => T): T {
  try {
    return f();
  } catch (e) {
    throw e instanceof Failure ? e : new Failure(kind);
  }
}

const dayLength = 24 * 60 * 60 * 1000;

/** Whole days from a day to the device's own date. */
function daysBetween(day: Day, now: Date): number {
  return Math.round((Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) - Date.parse(day + "T00:00:00Z")) / dayLength);
}

/** Opens a signed roster. */
export function parseRoster(signed: string, rootKey: string): Roster {
  const [first, ...body] = openNote(signed, [verifierOf(rootKey)]).text.split("\n");
  if (first !== "suluh.example/roster/v1") throw new Error("not a roster");
  return check(JSON.parse(body.join("\n")));
}

const keyWitness = "key-witness";
const mostKeyWitnesses = 5;

const fields = {
  roster: ["version", "previous", "day", "origin", "log_key", "units", "members", "witnesses"],
  unit: ["id", "name", "handles", "positions", "other", "recovery", "contact", "alone", "key_witnesses"],
  key_witnesses: ["need", "of"],
  member: ["id", "name", "unit", "roles", "recipient", "key", "onion", "address", "since", "removed"],
};
const roles = ["reader", "approver", "custodian", "auditor", "forwarder", keyWitness];

/** Holds the rules on which it depends who reads a report; unknown fields are refused. */
function check(v: unknown): Roster {
  const r = only(v, fields.roster) as unknown as Roster;
  const must = (ok: boolean) => {
    if (!ok) throw new Error("roster breaks a rule");
  };
  must(Number.isSafeInteger(r.version) && r.version >= 1 && Array.isArray(r.units) && r.units.length > 0);
  must(verifierOf(r.log_key).name === r.origin);
  r.members ??= [];
  must(typeof (r.witnesses ?? "") === "string");
  const ids = new Set<string>();
  const keys = new Set<string>();
  const fresh = (set: Set<string>, s: string) => must(!set.has(s) && set.add(s) !== null);
  for (const u of r.units) {
    only(u, fields.unit);
    must(isName(u.id) && typeof record(u.name).id === "string");
    fresh(ids, "unit " + u.id);
    if (u.recovery) {
      must(isRecipient(u.recovery));
      fresh(keys, u.recovery);
    }
  }
  for (const u of r.units) must(!u.other || (u.other !== u.id && ids.has("unit " + u.other)));
  for (const m of r.members) {
    only(m, fields.member);
    must(isName(m.id) && !m.id.startsWith("recovery-") && typeof m.name === "string" && ids.has("unit " + m.unit));
    must(Array.isArray(m.roles) && m.roles.length > 0 && m.roles.every((x) => roles.includes(x)));
    must(verifierOf(m.key).name === m.id && /^age1[0-9a-z_-]+$/.test(m.recipient));
    fresh(ids, "member " + m.id);
    fresh(keys, m.key);
    fresh(keys, m.recipient);
  }
  for (const u of r.units) {
    if (!u.key_witnesses) continue;
    const { need, of } = only(u.key_witnesses, fields.key_witnesses) as unknown as KeyWitnesses;
    must(Number.isSafeInteger(need) && need >= 1 && need <= of.length && of.length <= mostKeyWitnesses && new Set(of).size === of.length);
    must(keyWitnessesOf(r, u.id).all.every((m) => m && m.removed === undefined && m.unit !== u.id && m.roles.join() === keyWitness));
  }
  return r;
}

function only(v: unknown, known: string[]): Record<string, unknown> {
  const o = record(v);
  if (Object.keys(o).some((k) => !known.includes(k))) throw new Error("roster has an unknown field");
  return o;
}

const isName = (s: unknown): boolean => typeof s === "string" && /^[a-z][a-z0-9-]{1,31}$/.test(s);

/** The current readers of a unit but for some, in the order of the roster. */
export const readersOf = (r: Roster, unit: string, without: string[]): Member[] =>
  r.members.filter((m) => m.unit === unit && m.removed === undefined && m.roles.includes("reader") && !without.includes(m.id));

/** The key witnesses of a unit, in the order of its entry, and how many a case needs: none where cases aren't split. */
export function keyWitnessesOf(r: Roster, unit: string): { need: number; all: Member[] } {
  const { need, of } = r.units.find((u) => u.id === unit)?.key_witnesses ?? { need: 0, of: [] };
  return { need, all: of.map((id) => r.members.find((m) => m.id === id)!) };
}

/** To whom a case's key is wrapped: the readers, and the unit's recovery sheet. */
export function wrappedTo(r: Roster, unit: string, without: string[]): { member: string; recipient: string }[] {
  const all = readersOf(r, unit, without).map((m) => ({ member: m.id, recipient: m.recipient }));
  const recovery = r.units.find((u) => u.id === unit)?.recovery;
  if (all.length > 0 && recovery) all.push({ member: "recovery-" + unit, recipient: recovery });
  return all;
}
