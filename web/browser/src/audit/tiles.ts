// A log as anybody reads it: C2SP tlog-tiles, each hash of which has to follow
// from the root that the log's key has signed.

import { type Bytes, equal } from "../core/bytes.js";
import { leafHash, nodeHash } from "../core/log.js";
import { Fault } from "./fault.js";

export const width = 256; // hashes of a full tile

/** Reads a file of the log. Throws a Fault if it isn't there. */
export type Get = (path: string) => Promise<Bytes>;

/** The path of a tile; level -1 has the entries. */
export function pathOf(level: number, n: number, w: number): string {
  const parts = [String(n % 1000).padStart(3, "0")];
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) parts.unshift("x" + String(rest % 1000).padStart(3, "0"));
  return `tile/${level < 0 ? "entries" : level}/${parts.join("/")}${w < width ? `.p/${w}` : ""}`;
}

/** The tree of a size, read tile by tile. Only what was held against the root is to be believed. */
export class Tiles {
  readonly levels: number;
  #kept = new Map<string, Promise<Bytes[]>>();

  constructor(private get: Get, readonly size: number) {
    let levels = 1;
    while (size >= width ** levels) levels++;
    this.levels = levels;
  }

  /** How many tiles a level has, the last of which may be partial. */
  tiles(level: number): number {
    return Math.ceil(Math.floor(this.size / width ** level) / width);
  }

  pathOf(level: number, n: number): string {
    return pathOf(level, n, this.#width(level, n));
  }

  #width(level: number, n: number): number {
    return Math.min(width, Math.floor(this.size / width ** Math.max(level, 0)) - n * width);
  }

  /** The hashes of a tile. */
  tile(level: number, n: number): Promise<Bytes[]> {
    const path = this.pathOf(level, n);
    let hashes = this.#kept.get(path);
    if (!hashes) {
      hashes = this.get(path).then((b) => {
        if (b.length !== this.#width(level, n) * 32) throw new Fault("tile", { path });
        return Array.from({ length: b.length / 32 }, (_, i) => b.slice(i * 32, i * 32 + 32));
      });
      this.#kept.set(path, hashes);
    }
    return hashes;
  }

  /** Lets go of a tile's hashes. */
  forget(level: number, n: number): void {
    this.#kept.delete(this.pathOf(level, n));
  }

  /** The root over the first m records (RFC 6962), from the largest subtrees that the tiles have. */
  async rootOf(m: number): Promise<Bytes> {
    const stack: { size: number; hash: Bytes }[] = [];
    let before = 0; // of this level's hashes, those below a hash of the level above
    for (let level = this.levels - 1; level >= 0; level--) {
      const count = Math.floor(m / width ** level);
      for (let i = before; i < count; i++) {
        let top = { size: width ** level, hash: (await this.tile(level, Math.floor(i / width)))[i % width]! };
        for (let left = stack.at(-1); left?.size === top.size; left = stack.at(-1)) {
          stack.pop();
          top = { size: 2 * top.size, hash: nodeHash(left.hash, top.hash) };
        }
        stack.push(top);
      }
      before = count * width;
    }
    return stack.map((x) => x.hash).reduceRight((right, left) => nodeHash(left, right));
  }

  /** Checks that a full tile is what the level above says of it; a partial one the root speaks for. */
  async check(level: number, n: number): Promise<void> {
    if (this.#width(level, n) < width) return;
    const above = (await this.tile(level + 1, Math.floor(n / width)))[n % width]!;
    let row = await this.tile(level, n);
    while (row.length > 1) row = Array.from({ length: row.length / 2 }, (_, i) => nodeHash(row[2 * i]!, row[2 * i + 1]!));
    if (!equal(row[0]!, above)) throw new Fault("tile", { path: this.pathOf(level, n) });
  }

  /** The records of a bundle, each of which has to be the one that its tile has the hash of. */
  async entries(n: number): Promise<Bytes[]> {
    const hashes = await this.tile(0, n);
    const path = pathOf(-1, n, hashes.length);
    const b = await this.get(path);
    const view = new DataView(b.buffer, b.byteOffset, b.length);
    const all: Bytes[] = [];
    let at = 0;
    while (at < b.length) {
      const end = at + 2 <= b.length ? at + 2 + view.getUint16(at) : Infinity;
      if (end > b.length) throw new Fault("form", { path });
      all.push(b.slice(at + 2, end));
      at = end;
    }
    if (all.length !== hashes.length) throw new Fault("form", { path });
    all.forEach((entry, i) => {
      if (!equal(leafHash(entry), hashes[i]!)) throw new Fault("tree", { record: n * width + i });
    });
    return all;
  }
}
