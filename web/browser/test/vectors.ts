// The vectors that Go's tests run too, and what the core must refuse, for node
// and browsers. A check that fails is a line of what run returns.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter } from "age-encryption";
import { concat, digestOf, fromBase64, fromHex, json, text, toBase64, toHex, utf8 } from "../src/core/bytes.js";
import { openCard, sealCard } from "../src/core/card.js";
import { Code, parse } from "../src/core/casecode.js";
import { isUnwitnessed, parsePolicy, type Quorum } from "../src/core/cosigned.js";
import { formKeys, tagOf } from "../src/core/form.js";
import { decodeStream, encodeStream } from "../src/core/frame.js";
import { cleanName, cleanText, cleanType, type Letter, letterDocument, letterForTag, summaryDocument } from "../src/core/letter.js";
import { depositDigest, isContinued, isIncluded, leafHash, openCheckpoint, openReceipt, wrapLeafHash, wrapsRoot } from "../src/core/log.js";
import { Mark } from "../src/core/mark.js";
import { openNote, verifierOf } from "../src/core/note.js";
import { checkRoster, readersOf } from "../src/core/roster.js";
import { floors, identityOf, openDocument, padded, recipientOf, type Sealed, sealDocument, type SealedObject } from "../src/core/seal.js";
import { caseKey } from "../src/core/split.js";
import { destroyText, viewOf } from "../src/core/view.js";
import { Failure, type Member, type Roster, type Unit } from "../src/types.js";

type Vector = Record<string, string>;
type Parse = { typed: string; code?: string; corrections?: unknown[]; error?: string; got?: number; place?: number; word?: string; suggestion?: string };
type SealedVector = { text: string; sealed: string; object: SealedObject };

type SplitVector = {
  case: string;
  key: string;
  list: string;
  need: number;
  witnesses: { member: string; identity: string }[];
  reader: string;
  recipient: string;
  wrap: string;
  sheet: string;
};

export interface Vectors {
  casecode: Vector[];
  parse: Parse[];
  seal: {
    padded: { n: number; floor: number; padded: number }[];
    seed: string;
    identity: string;
    recipient: string;
    document: SealedVector;
    content: SealedVector;
    card: SealedVector & { mac: string };
  };
  split: SplitVector[];
  log: {
    wraps: { leaves: { salt: string; member: string; wrap: string; hash: string }[]; blinds: string[]; root: string };
    deposit: { salt: string; case: string; objects: SealedObject[]; digest: string; added: string };
    log_key: string;
    receipt: string;
    checkpoint: string;
    proofs: { size: number; root: string; index: number; proof: string[] }[];
  };
  signed: { what: string; key: string; note: string; good: boolean }[];
  form: Vector[];
  tags: { key: string; pair: [string, string]; letter: Record<string, unknown>; marks?: string[]; title: string; tag: string }[];
  marks: { key: string; size: number; mark: string }[];
  proofs: {
    root_key: string;
    day: string;
    proof: Record<string, unknown>;
    version: number;
    readers: string[];
    cases: { name: string; change: Record<string, unknown> | null; days: number; want: string }[];
  };
  policies: { what: string; policy: string; pad?: number; quorum: Quorum | null }[];
  witnessed: {
    log_key: string;
    proof: Record<string, unknown>;
    policy: string;
    cases: { what: string; policy?: string; change?: Record<string, unknown>; want: string; browser?: string }[];
    trees: { root: string; proofs: string[] }[];
  };
}

/** What a code's secrets are, in hexadecimal, for a test that looks for them. */
export function secretsOf(typed: string): Record<string, string> {
  const p = parse(typed);
  if ("wrong" in p) throw new Error("not a code");
  const { code } = p;
  return { "the reporter's identity": toHex(utf8(code.identity)), "the key of cards": toHex(code.mac) };
}

class Checks {
  n = 0;
  failures: string[] = [];

  same(what: string, got: unknown, want: unknown): void {
    this.n++;
    if (JSON.stringify(got) !== JSON.stringify(want)) this.failures.push(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }

  async refused(what: string, f: () => unknown): Promise<void> {
    this.n++;
    try {
      await f();
    } catch {
      return;
    }
    this.failures.push(`${what}: accepted`);
  }
}

export async function run(v: Vectors): Promise<{ checks: number; failures: string[] }> {
  const c = new Checks();
  codes(c, v);
  forms(c, v);
  await marks(c, v.marks);
  await objects(c, v.seal);
  for (const x of v.split) await splits(c, x);
  await log(c, v.log);
  await signatures(c, v.signed);
  rosters(c, v.proofs);
  await policies(c, v.policies);
  witnesses(c, v.witnessed);
  rosterRules(c, v.proofs.proof.roster as string);
  await frames(c);
  await views(c);
  typed(c);
  return { checks: c.n, failures: c.failures };
}

function codes(c: Checks, v: Vectors): void {
  for (const x of v.casecode) {
    const code = Code.from(fromHex(x.entropy!));
    c.same("words", code.words.join(" "), x.words);
    c.same("lookup", code.lookup, x.lookup);
    c.same("lookup hash", digestOf(concat(utf8("suluh lookup\n"), fromHex(code.lookup))), x["lookup hash"]);
    c.same("identity", code.identity, x.identity);
    c.same("mac", toHex(code.mac), x.mac);
    c.same("reporter", code.reporter, x.reporter);
    c.same("destroy", code.sign(x.destroy!), x["destroy signature"]);
  }
  for (const x of v.parse) {
    const p = parse(x.typed);
    const got: Parse = { typed: x.typed };
    if ("wrong" in p) {
      const { wrong: w } = p;
      got.error = w.code;
      if (w.got) got.got = w.got;
      if (w.place) Object.assign(got, { place: w.place, word: w.typed });
      if (w.suggestion) got.suggestion = w.suggestion;
    } else {
      got.code = p.code.words.join(" ");
      if (p.corrections.length > 0) got.corrections = p.corrections;
    }
    c.same(`typed ${JSON.stringify(x.typed)}`, got, x);
  }
}

function forms(c: Checks, v: Vectors): void {
  for (const x of v.form) {
    const k = formKeys(fromHex(x.seed!), { unit: x.unit!, without: x.without!.split(" ").filter(Boolean).reverse() });
    c.same("form code", k.code.words.join(" "), x.code);
    c.same("form case", k.case, x.case);
    c.same("form key", identityOf(k.key), x.key);
    c.same("form list", identityOf(k.list), x.list);
    c.same("form tag", toHex(k.tag), x.tag);
  }
  for (const x of v.tags) {
    const letter = { without: [], attachments: [], ...x.letter } as unknown as Letter;
    c.same("tag", tagOf(fromHex(x.key), [x.pair, ["letter", letterForTag(letter)], ...(x.marks ?? []).map((m): [string, Uint8Array] => ["content", fromHex(m)])]), x.tag);
    c.same("letter", JSON.parse(json(letterDocument(letter))), x.letter);
    if (letter.report) c.same("title", summaryDocument(letter, false).title, x.title);
    c.same("title of a split case", summaryDocument(letter, true).title, "");
  }
}

async function marks(c: Checks, vectors: Vectors["marks"]): Promise<void> {
  const content = Uint8Array.from({ length: Math.max(...vectors.map((x) => x.size)) }, (_, i) => i % 251);
  const of = async (m: Mark, b: Uint8Array, piece: number): Promise<string> => {
    for (let at = 0; at < b.length; at += piece) {
      const part = b.slice(at, at + piece);
      await m.add(part);
      part.fill(0); // it is the caller's again
    }
    return toHex(await m.sum());
  };
  for (const x of vectors) {
    const b = content.subarray(0, x.size);
    for (const piece of [777, 1 << 17, 1 << 20]) c.same(`mark of ${x.size} in pieces of ${piece}`, await of(new Mark(fromHex(x.key)), b, piece), x.mark);
    c.same(`mark of ${x.size} without subtle`, await of(new Mark(fromHex(x.key), null), b, 1 << 17), digestOf(b));
  }
}

async function objects(c: Checks, v: Vectors["seal"]): Promise<void> {
  for (const p of v.padded) c.same(`padded ${p.n}`, padded(p.n, p.floor), p.padded);
  c.same("recipient", await recipientOf(v.identity), v.recipient);
  c.same("document", json(await openDocument(fromBase64(v.document.sealed), v.identity)), v.document.text);
  const d = new Decrypter();
  d.addIdentity(v.identity);
  const content = await d.decrypt(fromBase64(v.content.sealed));
  c.same("content", text(content.subarray(0, v.content.text.length)), v.content.text);
  c.same("content's padding", content.length, floors.content);
  const sealed = fromBase64(v.card.sealed);
  c.same("card's object", { role: "card", digest: digestOf(sealed), size: sealed.length }, v.card.object);
  const card = await openCard(sealed, v.identity, fromHex(v.card.mac));
  c.same("card", json(card), v.card.text);
  await c.refused("another MAC key", () => openCard(sealed, v.identity, new Uint8Array(32)));
  await c.refused("another identity", () => openCard(sealed, Code.from(new Uint8Array(13)).identity, fromHex(v.card.mac)));
  await c.refused("a card cut short", () => openCard(sealed.subarray(0, sealed.length - 1), v.identity, fromHex(v.card.mac)));
  for (const at of [0, 2000, sealed.length - 20]) {
    const bad = sealed.slice();
    bad[at]! ^= 1;
    await c.refused(`byte ${at} changed`, () => openCard(bad, v.identity, fromHex(v.card.mac)));
  }
  await c.refused("a classic recipient", () => sealDocument("letter", {}, 1024, "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"));
}

/** A key that Go split, and the same seeds split here: the same but for what is random. */
async function splits(c: Checks, v: SplitVector): Promise<void> {
  const opened = async (sealed: string, identity: string) => {
    const d = new Decrypter();
    d.addIdentity(identity);
    return text(await d.decrypt(fromBase64(sealed)));
  };
  const [key, list] = [fromHex(v.key), fromHex(v.list)];
  /** A wrap with its shares opened and their pieces left out, if as many shares as needed make the case's seed. */
  const shape = async (wrap: string): Promise<string> => {
    const shares = await Promise.all(
      v.witnesses.map(({ member, identity }) => opened(new RegExp(`^# share ${member} (.*)$`, "m").exec(wrap)![1]!, identity)),
    );
    for (let chosen = 0; chosen < 1 << shares.length; chosen++) {
      const given = shares.filter((_, i) => (chosen >> i) & 1);
      if (given.length !== v.need) continue;
      const pieces = new Map(given.flatMap((s) => [...s.matchAll(/^piece ([0-9]+) ([0-9a-f]{64})$/gm)].map((m) => [m[1], fromHex(m[2]!)] as const)));
      c.same(`joined by ${chosen}`, toHex(list.map((b, i) => [...pieces.values()].reduce((x, p) => x ^ p[i]!, b))), v.key);
    }
    let n = 0;
    return wrap.replace(/^(# share [^ ]+ ).*$/gm, (_, head: string) => head + JSON.stringify(shares[n++]!.replace(/^(piece [0-9]+ ).*$/gm, "$1")));
  };
  const witnesses = await Promise.all(v.witnesses.map(async (w) => ({ id: w.member, recipient: await recipientOf(w.identity) })));
  const made = await caseKey({ ...formKeys(key, { unit: "itprov", without: [] }), case: v.case, key, list }, v.need, witnesses);
  c.same("split", [made.split, made.recipient, made.list], [true, v.recipient, await recipientOf(identityOf(list))]);
  c.same("wrap", await shape(made.wrapped), await shape(await opened(v.wrap, v.reader)));
  c.same("sheet", await shape(made.whole), await shape(await opened(v.sheet, v.reader)));
}

async function log(c: Checks, v: Vectors["log"]): Promise<void> {
  const hashes = v.wraps.leaves.map((l) => wrapLeafHash({ salt: fromHex(l.salt), member: l.member, wrap: l.wrap }));
  c.same("wrap leaves", hashes.map(toBase64), v.wraps.leaves.map((l) => l.hash));
  c.same("wraps root", wrapsRoot([...hashes, ...v.wraps.blinds.map(fromBase64)]), v.wraps.root);
  const d = v.deposit;
  c.same("deposit", depositDigest(fromHex(d.salt), d.case, `8 ${v.wraps.root}`, d.objects), d.digest);
  c.same("addition", depositDigest(fromHex(d.salt), d.case, "-", d.objects), d.added);
  const key = verifierOf(v.log_key);
  c.same("receipt", openReceipt(v.receipt, key), { day: "2026-11-24", due: "2026-11-25", deposit: d.digest });
  const tree = openCheckpoint(v.checkpoint, key);
  const last = v.proofs[v.proofs.length - 1]!;
  c.same("checkpoint", [tree.size, toBase64(tree.root)], [last.size, last.root]);
  for (const p of v.proofs) {
    const holds = (change: Partial<typeof p>, record = `record ${p.index}`) => {
      const x = { ...p, ...change };
      return isIncluded(x.proof.map(fromBase64), x.size, fromBase64(x.root), x.index, leafHash(utf8(record)));
    };
    c.same(`record ${p.index} of ${p.size}`, holds({}), true);
    c.same("another record", holds({}, "record"), false);
    c.same("an index outside", holds({ index: p.size }), false);
    c.same("a longer proof", holds({ proof: [...p.proof, p.root] }), false);
    if (p.size > 1) {
      c.same("another index", holds({ index: (p.index + 1) % p.size }), false);
      c.same("a shorter proof", holds({ proof: p.proof.slice(1) }), false);
    }
  }
  const other = { ...key, key: ed25519.getPublicKey(new Uint8Array(32).fill(3)) };
  for (const [what, f] of Object.entries({
    "a receipt by another key": () => openReceipt(v.receipt, other),
    "a receipt of another day": () => openReceipt(v.receipt.replace("due 2026-11-25", "due 2026-11-26"), key),
    "a checkpoint as a receipt": () => openReceipt(v.checkpoint, key),
    "a receipt as a checkpoint": () => openCheckpoint(v.receipt, key),
    "a note without signature": () => openNote(v.receipt.slice(0, v.receipt.lastIndexOf("\n\n") + 2), [key]),
    "a note by nobody known": () => openNote(v.receipt, []),
    "a note with a tab": () => openNote(v.receipt.replace("log ", "log\t"), [key]),
    "a key whose hash is another's": () => verifierOf(v.log_key.replace(/\+[0-9a-f]{8}\+/, "+00000000+")),
    "a key that isn't one": () => verifierOf("suluh.example/uji"),
  })) {
    await c.refused(what, f);
  }
}

async function signatures(c: Checks, all: Vectors["signed"]): Promise<void> {
  for (const x of all) {
    const signers = () => openNote(x.note, [verifierOf(x.key)]).signers.map((s) => s.name);
    if (x.good) c.same(x.what, signers(), ["penelaah-satu"]);
    else await c.refused(x.what, signers);
  }
}

function rosters(c: Checks, v: Vectors["proofs"]): void {
  for (const x of v.cases) {
    const day = new Date(v.day + "T12:00:00");
    day.setDate(day.getDate() + x.days);
    let got = "";
    try {
      const { roster, digest } = checkRoster({ ...v.proof, ...x.change } as never, v.root_key, day);
      c.same("version", roster.version, v.version);
      c.same("readers", readersOf(roster, "itprov", ["penelaah-satu"]).map((m) => m.id), v.readers);
      c.same("digest", digest, digestOf(utf8(v.proof.roster as string)));
    } catch (e) {
      got = e instanceof Failure ? e.kind.replace("roster-", "") : String(e);
    }
    c.same(x.name, got, x.want);
  }
}

async function policies(c: Checks, all: Vectors["policies"]): Promise<void> {
  for (const x of all) {
    const quorum = () => parsePolicy(x.policy + "é".repeat(x.pad ?? 0));
    if (x.quorum) c.same(`policy: ${x.what}`, sorted(quorum()), sorted(x.quorum));
    else await c.refused(`policy: ${x.what}`, quorum);
  }
}

const sorted = ({ key, need, of }: Quorum): Quorum => (key ? { key } : { need: need!, of: of!.map(sorted) });

function witnesses(c: Checks, v: Vectors["witnessed"]): void {
  const log = verifierOf(v.log_key);
  for (const x of v.cases) {
    let got = "";
    try {
      if (isUnwitnessed({ ...v.proof, ...x.change } as never, x.policy ?? v.policy, log)) got = "unwitnessed";
    } catch (e) {
      got = e instanceof Failure && e.kind === "roster-witnesses" ? "refused" : String(e);
    }
    c.same(`witnesses: ${x.what}`, got, x.browser ?? x.want);
  }
  const trees = v.trees.map(({ root }, i) => ({ size: i + 1, root: fromBase64(root) }));
  v.trees.forEach(({ proofs }, n) =>
    proofs.forEach((proof, m) => {
      const b = fromBase64(proof);
      const hashes = Array.from({ length: b.length / 32 }, (_, i) => b.subarray(32 * i, 32 * i + 32));
      const [tree, before] = [trees[n]!, trees[m]!];
      const what = `${n + 1} records continue ${m + 1}`;
      c.same(what, isContinued(hashes, tree, before), true);
      c.same(`${what}: another root`, isContinued(hashes, { ...tree, root: log.key }, before), false);
      c.same(`${what}: another root before`, isContinued(hashes, tree, { ...before, root: log.key }), false);
      c.same(`${what}: a longer proof`, isContinued([...hashes, log.key], tree, before), false);
      hashes.forEach((_, i) => {
        c.same(`${what}: without hash ${i}`, isContinued(hashes.filter((_, j) => j !== i), tree, before), false);
        c.same(`${what}: another hash ${i}`, isContinued(hashes.map((h, j) => (j === i ? log.key : h)), tree, before), false);
      });
      if (m < n) c.same(`${what}: the other way round`, isContinued(hashes, before, tree), false);
    }),
  );
}

/** The roster of the proofs, changed and signed anew, in a log of its own. */
function rosterRules(c: Checks, signed: string): void {
  const origin = "suluh.example/uji";
  const seed = new Uint8Array(32).fill(1);
  const [day, body] = ["2026-11-20", signed.slice(signed.indexOf("\n") + 1, signed.lastIndexOf("\n\n"))];
  const said = (change: (r: Roster, u: Unit, witness: (n: number) => Member) => void, cosigned: unknown = null): string => {
    const r = JSON.parse(body) as Roster;
    change(Object.assign(r, { origin, log_key: vkey(origin, seed) }), r.units[0]!, (n) => r.members.find((m) => m.id === r.units[0]!.key_witnesses!.of[n])!);
    const roster = sign(`suluh.example/roster/v1\n${JSON.stringify(r)}\n`, "root", seed);
    const digest = digestOf(utf8(roster));
    const record = `suluh.example/record/v1\nseq 0\ntime ${day}T00:00:00Z\nkind roster\nroster ${r.version} ${digest} 1\n`;
    const checkpoint = sign(`${origin}\n1\n${toBase64(leafHash(utf8(record)))}\n`, origin, seed);
    const in_force = sign(`suluh.example/inforce/v1\nlog ${origin}\nday ${day}\nroster ${digest}\n`, origin, seed);
    try {
      const { unwitnessed } = checkRoster({ roster, record, index: 0, checkpoint, proof: [], in_force, cosigned } as never, vkey("root", seed), new Date(`${day}T12:00:00`));
      return unwitnessed ? "unwitnessed" : "";
    } catch (e) {
      return e instanceof Failure ? e.kind : String(e);
    }
  };
  c.same("a roster signed anew", said(() => {}), "unwitnessed");
  c.same("no witnesses of the log", said((r) => delete r.witnesses), "");
  c.same("no key witnesses", said((_, u) => delete u.key_witnesses), "unwitnessed");
  const unknown: Parameters<typeof said>[0] = (_, __, witness) => (witness(1).recipient = "age1pq1" + "q".repeat(1950));
  c.same("a malformed recipient", said(unknown), "recipient");
  // The first has the form sent to the server as it is, the second has nothing sent.
  c.same("a malformed recipient, and another log", said(unknown, { checkpoint: "", consistency: "" }), "roster-witnesses");
  const broken: Record<string, Parameters<typeof said>[0]> = {
    "a policy that is no text": (r) => (r.witnesses = 1 as never),
    "an unknown field": (r) => Object.assign(r, { lain: 1 }),
    "an unknown field of key witnesses": (_, u) => Object.assign(u.key_witnesses!, { lain: 1 }),
    "no key witness needed": (_, u) => (u.key_witnesses!.need = 0),
    "part of one": (_, u) => (u.key_witnesses!.need = 1.5),
    "more than there are": (_, u) => (u.key_witnesses!.need = 3),
    "one twice": (_, u) => (u.key_witnesses!.of[1] = u.key_witnesses!.of[0]!),
    "one who isn't there": (_, u) => (u.key_witnesses!.of[1] = "siapa"),
    "one who was removed": (_, __, witness) => (witness(1).removed = day),
    "one of the unit itself": (_, u, witness) => (witness(1).unit = u.id),
    "one who reads as well": (_, __, witness) => witness(1).roles.push("reader"),
    "one who is none": (_, __, witness) => (witness(1).roles = ["auditor"]),
  };
  for (const [what, change] of Object.entries(broken)) c.same(what, said(change), "roster-signature");
}

async function frames(c: Checks): Promise<void> {
  const big = new Uint8Array(300_000).map((_, i) => i);
  const object: SealedObject = { role: "letter", digest: digestOf(big), size: big.length };
  const stream = encodeStream({ lookup: "x" }, [{ object, bytes: big }], {});
  const back = decodeStream(stream);
  c.same("head", back.head, { lookup: "x" });
  c.same("objects", back.objects.map((o) => [o.object, digestOf(o.bytes)]), [[object, object.digest]]);
  for (const cut of [0, 4, 5, 40, stream.length - 1]) await c.refused(`a stream cut at ${cut}`, () => decodeStream(stream.subarray(0, cut)));
  const long = stream.slice();
  long[1] = 0xff;
  await c.refused("a frame longer than the stream", () => decodeStream(long));
}

/** A look-up's answer as an honest vault gives it, and as others do. */
async function views(c: Checks): Promise<void> {
  const code = Code.from(new Uint8Array(13).fill(5));
  const reporter = await recipientOf(code.identity);
  const of = "K-AAAA-AAAA-AAAA-AAAA";
  const seed = new Uint8Array(32).fill(1);
  const signer = verifier("penelaah-satu", seed);
  const stranger = new Uint8Array(32).fill(2);
  const letter: SealedObject = { role: "letter", digest: digestOf(utf8("letter")), size: 6 };
  const first = { case: of, unit: "itprov", recipient: "age1pq1kasus", day: "2026-11-20", objects: [letter], wraps: "", letter: false, files: 0 };
  const card = await sealCard(first, reporter, code.mac);
  const message = await sealCard({ ...first, day: "2026-11-22", letter: true, files: 2 }, reporter, code.mac);
  const answer = (fields: object, key = seed, kind = "suluh.example/answer/v1") =>
    sealDocument("answer", { signed: sign(`${kind}\n${json({ v: 1, case: of, ...fields })}\n`, "penelaah-satu", key) }, floors.document, reporter);
  const later = await answer({ day: "2026-11-21", time: "2026-11-21T08:00:00.25+08:00", status: "verifying", due: "2026-11-26", text: "dua" });
  const earlier = await answer({ day: "2026-11-21", time: "2026-11-21T00:00:00.125Z", text: "satu" });
  const look = async (sealed: Sealed[], more: SealedObject[] = [letter], head = {}) => {
    const objects = [...more, ...sealed.map((s) => s.object)].map((o) => ({ ...o, day: "2026-11-20" }));
    const stream = encodeStream({ case: of, objects, in_log: true, ...head }, sealed, {});
    return (await viewOf(stream, code, "suluh.example/uji", [signer])).view;
  };
  const good = await look([later, card, earlier, message]);
  c.same("an honest answer", good, {
    case: of,
    unit: "itprov",
    since: "2026-11-20",
    status: "verifying",
    due: "2026-11-26",
    messages: [
      { day: "2026-11-22", by: "", text: "", files: 2, object: "", tells: "", destroyed: "" },
      { day: "2026-11-21", by: "penelaah-satu", text: "dua", files: 0, object: later.object.digest, tells: "verifying", destroyed: "" },
      { day: "2026-11-21", by: "penelaah-satu", text: "satu", files: 0, object: earlier.object.digest, tells: "", destroyed: "" },
    ],
    history: [
      { status: "received", day: "2026-11-20" },
      { status: "verifying", day: "2026-11-21" },
    ],
    inLog: true,
    logged: "",
    receipt: "",
    warnings: [],
  });
  const warned = async (what: string, sealed: Sealed[], want: string[], more: SealedObject[] = [letter], head = {}) =>
    c.same(what, (await look(sealed, more, head)).warnings, want);
  await warned("no card", [], ["card"]);
  await warned("a card by another code", [await sealCard(first, reporter, new Uint8Array(32))], ["card"]);
  await warned("a card sealed to another", [await sealCard(first, await recipientOf(Code.from(new Uint8Array(13)).identity), code.mac)], ["card"]);
  await warned("a card of another case", [await sealCard({ ...first, case: "K-BBBB-BBBB-BBBB-BBBB" }, reporter, code.mac)], ["card"]);
  await warned("a case of another name", [card], ["card"], [letter], { case: "K-BBBB-BBBB-BBBB-BBBB" });
  await warned("another recipient", [card, await sealCard({ ...first, recipient: "age1pq1lain" }, reporter, code.mac)], ["key"]);
  await warned("another unit", [card, await sealCard({ ...first, unit: "itjen" }, reporter, code.mac)], ["key"]);
  await warned("the report is gone", [card], ["missing"], []);
  await warned("the report is another", [card], ["missing"], [{ ...letter, digest: digestOf(utf8("lain")) }]);
  await warned("an answer by a stranger", [card, await answer({ text: "x" }, stranger)], ["signature"]);
  await warned("an answer to another case", [card, await answer({ case: "K-BBBB-BBBB-BBBB-BBBB" })], ["signature"]);
  await warned("a note as an answer", [card, await answer({ text: "x" }, seed, "suluh.example/note/v1")], ["signature"]);
  const order = (of: string, by = code) => by.sign(destroyText("suluh.example/uji", of, later.object.digest));
  const gone = (signature: string) => [letter, { ...later.object, destroyed: { day: "2026-11-23", status: true, signature } }];
  const left = await look([card], gone(order(of)), { logged: "2026-11-21" });
  c.same("a destroyed answer", [left.status, left.due, left.logged, left.warnings], ["", "", "2026-11-21", []]);
  c.same("its message", left.messages, [{ day: "2026-11-20", by: "", text: "", files: 0, object: later.object.digest, tells: "", destroyed: "2026-11-23" }]);
  await warned("an answer that the vault dropped", [card], ["destroyed"], gone(toBase64(new Uint8Array(64))));
  await warned("an order of another code", [card], ["destroyed"], gone(order(of, Code.from(new Uint8Array(13)))));
  await warned("an order for another case", [card], ["destroyed"], gone(order("K-BBBB-BBBB-BBBB-BBBB")));
  const bad = { object: card.object, bytes: card.bytes.slice() };
  bad.bytes[bad.bytes.length - 1]! ^= 1;
  await c.refused("bytes of another digest", () => look([bad]));
  bad.object = { ...card.object, digest: digestOf(bad.bytes) };
  await warned("a damaged card", [bad], ["card"]);
}

const verifier = (name: string, seed: Uint8Array) => verifierOf(vkey(name, seed));

function vkey(name: string, seed: Uint8Array): string {
  const key = concat(Uint8Array.of(1), ed25519.getPublicKey(seed));
  return `${name}+${toHex(keyHash(name, key))}+${toBase64(key)}`;
}

const keyHash = (name: string, key: Uint8Array) => sha256(concat(utf8(name + "\n"), key)).subarray(0, 4);

function sign(body: string, name: string, seed: Uint8Array): string {
  const hash = keyHash(name, concat(Uint8Array.of(1), ed25519.getPublicKey(new Uint8Array(32).fill(1))));
  return `${body}\n\u2014 ${name} ${toBase64(concat(hash, ed25519.sign(utf8(body), seed)))}\n`;
}

function typed(c: Checks): void {
  c.same("text", cleanText("a\r\nb\rc\u0000\u0007\td\ud800\u0085"), "a\nb\nc\td\ufffd");
  c.same("name", cleanName("C:\\Users\\Budi\\foto\n .jpg "), "foto .jpg");
  c.same("name of a path", cleanName("a/b/"), "");
  c.same("long name", [...cleanName("😀".repeat(300))].length, 255);
  c.same("type", cleanType("Image/JPEG; q=1"), "image/jpeg");
  c.same("no type", cleanType("x\ny/z"), "application/octet-stream");
}
