// The vectors that Go's tests run too, and what the core must refuse, for node
// and browsers. A check that fails is a line of what run returns.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter } from "age-encryption";
import { concat, digestOf, fromBase64, fromHex, json, text, toBase64, toHex, utf8 } from "../src/core/bytes.js";
import { openCard, sealCard } from "../src/core/card.js";
import { Code, parse } from "../src/core/casecode.js";
import { formKeys, tagOf } from "../src/core/form.js";
import { decodeStream, encodeStream } from "../src/core/frame.js";
import { cleanName, cleanText, cleanType, type Letter, letterDocument, letterForTag, summaryDocument } from "../src/core/letter.js";
import { depositDigest, isIncluded, leafHash, openCheckpoint, openReceipt, wrapLeafHash, wrapsRoot } from "../src/core/log.js";
import { openNote, verifierOf } from "../src/core/note.js";
import { checkRoster, readersOf } from "../src/core/roster.js";
import { floors, openDocument, padded, recipientOf, type Sealed, sealDocument, type SealedObject } from "../src/core/seal.js";
import { destroyText, viewOf } from "../src/core/view.js";
import { Failure } from "../src/types.js";

type Vector = Record<string, string>;
type Parse = { typed: string; code?: string; corrections?: unknown[]; error?: string; got?: number; place?: number; word?: string; suggestion?: string };
type SealedVector = { text: string; sealed: string; object: SealedObject };

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
  log: {
    wraps: { leaves: { salt: string; member: string; wrap: string; hash: string }[]; blinds: string[]; root: string };
    deposit: { salt: string; case: string; objects: SealedObject[]; digest: string; added: string };
    log_key: string;
    receipt: string;
    checkpoint: string;
    proofs: { size: number; root: string; index: number; proof: string[] }[];
  };
  form: Vector[];
  tags: { key: string; pair: [string, string]; letter: Record<string, unknown>; title: string; tag: string }[];
  proofs: {
    root_key: string;
    day: string;
    proof: Record<string, unknown>;
    version: number;
    readers: string[];
    cases: { name: string; change: Record<string, unknown> | null; days: number; want: string }[];
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
  await objects(c, v.seal);
  await log(c, v.log);
  rosters(c, v.proofs);
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
    c.same("form key", k.identity, x.key);
    c.same("form tag", toHex(k.tag), x.tag);
  }
  for (const x of v.tags) {
    const letter = { without: [], attachments: [], ...x.letter } as unknown as Letter;
    c.same("tag", tagOf(fromHex(x.key), [x.pair, ["letter", letterForTag(letter)]]), x.tag);
    c.same("letter", JSON.parse(json(letterDocument(letter))), x.letter);
    if (letter.report) c.same("title", summaryDocument(letter).title, x.title);
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
