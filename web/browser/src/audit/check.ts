// The check itself: what the page's server says it has verified, verified again.

import { digestOf, equal, fromBase64, text, toBase64, utf8 } from "../core/bytes.js";
import { openCheckpoint, type Tree } from "../core/log.js";
import { enough, type Quorum, signedBy, witnessesOf } from "../core/cosigned.js";
import { cosignerOf, openNote, type Verifier, verifierOf } from "../core/note.js";
import { Fault } from "./fault.js";
import { type Get, Tiles, width } from "./tiles.js";

/** What is asked of a check. */
export interface Asked {
  key: string; // the log's verifier key
  size: number; // of the tree that the server says it has verified
  root: string; // base64
  roster: string; // digest of the newest roster; "" if there is none
  quorum?: Quorum; // of the roster's witnesses
  entries: boolean; // this visitor may read them
}

/** What this browser saw last. */
export interface Seen {
  key: string;
  size: number;
  root: string; // base64
}

/** What a good log has shown. */
export interface Shown {
  size: number;
  root: string;
  hashes: number; // records whose hashes were held against the root
  entries: number; // records that were held against their hashes
  signatures: number; // of members
  witnesses?: { by: number; of: number; size: number } | null; // null: it can't be told; size 0: no quorum has cosigned anything
}

// How much is read at most: what a page may take from a server, and of the time of a person.
const mostAbove = 1024; // tiles above the lowest level: a log of some 67 million records
const newest = 16; // of the lowest level, the newest, and so many at random
const random = 8;
const mostSignatures = 2000;

/** Checks a log. Throws a Fault if it is at fault, and any other error if it can't be read. */
export async function check(asked: Asked, seen: Seen | null, get: Get, progress: (done: number, of: number) => void): Promise<Shown> {
  if (text(await get("log.vkey")).trim() !== asked.key || (seen && seen.key !== asked.key)) throw new Fault("key", { path: "log.vkey" });
  const log = verifierOf(asked.key);
  // Before the checkpoint, so that it is of no more records than that one.
  const cosigned = asked.quorum && (await get("checkpoint.cosigned").then(text, (e) => {
    if (e instanceof Fault && e.kind === "missing") return "";
    throw e;
  }));
  const tree = await signed(get, log);
  const tiles = new Tiles(get, tree.size);
  if (!equal(await tiles.rootOf(tree.size), tree.root)) throw new Fault("tree", { path: "checkpoint" });

  const parts = chosen(tiles.tiles(0), [asked.size, seen?.size ?? 0]);
  let above = 0;
  for (let level = 1; level < tiles.levels; level++) above += tiles.tiles(level);
  if (above > mostAbove) throw new Error("too large a log for a browser");
  let done = 0;
  const step = async () => {
    progress(++done, above + parts.length);
    await breathe();
  };
  for (let level = tiles.levels - 1; level > 0; level--) {
    for (let n = 0; n < tiles.tiles(level); n++, await step()) await tiles.check(level, n);
  }
  for (const n of parts) await tiles.check(0, n);
  await continues(tiles, asked, "page");
  if (seen) await continues(tiles, seen, "fork");
  const shown: Shown = { size: tree.size, root: toBase64(tree.root), hashes: 0, entries: 0, signatures: 0 };
  if (asked.quorum) shown.witnesses = await witnessed(cosigned ?? "", asked.quorum, log, tiles);

  let members: Verifier[] = [];
  for (const n of parts) {
    const hashes = (await tiles.tile(0, n)).length;
    shown.hashes += hashes;
    if (asked.entries) {
      const entries = await tiles.entries(n);
      if (n === 0 && asked.roster) members = await membersOf(get, asked.roster, entries[0]!);
      for (const [i, entry] of entries.entries()) {
        const seq = n * width + i;
        if (!record(entry, seq, members, seq < asked.size && shown.signatures < mostSignatures)) continue;
        if (++shown.signatures % 16 === 0) await breathe(); // each takes a millisecond or more
      }
      shown.entries += entries.length;
    }
    tiles.forget(0, n);
    await step();
  }
  return shown;
}

/** Lets the page be used meanwhile. */
const breathe = (): Promise<void> => new Promise((go) => setTimeout(go));

async function signed(get: Get, log: Verifier): Promise<Tree> {
  const msg = await get("checkpoint");
  try {
    return openCheckpoint(text(msg), log);
  } catch {
    throw new Fault("checkpoint", { path: "checkpoint" });
  }
}

/** Which tiles of the lowest level are looked at: the first, the newest, where trees end, and some at random; all of a small log. */
function chosen(all: number, ends: number[]): number[] {
  const some = new Set([0]);
  for (const end of ends) some.add(Math.min(Math.floor(end / width), all - 1));
  for (let n = Math.max(all - newest, 0); n < all; n++) some.add(n);
  for (let i = 0; i < random; i++) some.add(Math.floor((crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32) * all));
  // The first has the key of rosters, and the newest come next: of those the signatures are checked.
  return [0, ...[...some].filter((n) => n > 0).sort((a, b) => b - a)];
}

/** Checks that a tree is one of this log's. */
async function continues(tiles: Tiles, before: { size: number; root: string }, kind: "page" | "fork"): Promise<void> {
  if (before.size > tiles.size) throw new Fault(kind === "fork" ? "shrunk" : kind);
  if (before.size > 0 && !equal(await tiles.rootOf(before.size), fromBase64(before.root))) throw new Fault(kind);
}

async function witnessed(msg: string, quorum: Quorum, log: Verifier, tiles: Tiles): Promise<NonNullable<Shown["witnesses"]> | null> {
  const all = witnessesOf(quorum);
  if (msg === "") return { by: 0, of: all.length, size: 0 };
  const path = "checkpoint.cosigned";
  let tree: Tree;
  try {
    tree = openCheckpoint(msg, log);
  } catch {
    throw new Fault("checkpoint", { path });
  }
  if (tree.size > tiles.size) throw new Fault("shrunk", { path });
  let by: Set<string>;
  try {
    by = signedBy(msg, log, all);
  } catch {
    throw new Fault("witness", { path });
  }
  await tiles.check(0, Math.min(Math.floor(tree.size / width), tiles.tiles(0) - 1));
  if (!equal(await tiles.rootOf(tree.size), tree.root)) throw new Fault("fork", { path });
  if (!enough(quorum, by) && !all.every((w) => cosignerOf(w).cosigns)) return null; // it can't be told here
  return { by: by.size, of: all.length, size: enough(quorum, by) ? tree.size : 0 };
}

/** The keys of all who ever were members: rosters keep them, and no id changes its key. */
async function membersOf(get: Get, digest: string, first: Uint8Array): Promise<Verifier[]> {
  const root = /\nset root ([^\n]+)\n/.exec(text(first))?.[1];
  const signed = await get("rosters/" + digest);
  try {
    if (!root || digestOf(signed) !== digest) throw new Error("another roster");
    const body = openNote(signed, [verifierOf(root)]).text.split("\n").slice(1).join("\n");
    return (JSON.parse(body) as { members: { key: string }[] }).members.map((m) => verifierOf(m.key));
  } catch {
    throw new Fault("roster", { path: "rosters/" + digest });
  }
}

/**
 * Checks that a record stands where it says, and, if asked to, who signed its statement: of one that came after the page
 * the member may be in a newer roster. Tells whether it had a statement whose signature was checked.
 */
function record(entry: Uint8Array, seq: number, members: Verifier[], signature: boolean): boolean {
  let s: string;
  try {
    s = text(entry);
  } catch {
    throw new Fault("form", { record: seq });
  }
  if (!s.startsWith(`suluh.example/record/v1\nseq ${seq}\n`)) throw new Fault("order", { record: seq });
  const at = s.indexOf("\n\n");
  if (!/^[^\n]*\n[^\n]*\n[^\n]*\nkind statement\n/.test(s) || at < 0 || !signature) return false;
  try {
    const statement = openNote(utf8(s.slice(at + 2)), members);
    const by = /\nmember ([^\n]+)\n/.exec(statement.text)?.[1];
    if (!by || !statement.signers.some((v) => v.name === by)) throw new Error("another member");
  } catch {
    throw new Fault("signature", { record: seq });
  }
  return true;
}
