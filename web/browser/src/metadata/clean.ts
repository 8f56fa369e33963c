// Removes from photos what they carry besides their picture, byte for byte as
// internal/metadata does where the server has to: that package says what goes
// and why, and a test compares the two over broken files as well. Here a file
// can be read twice, so nothing is kept in memory but a window of it.

import type { Hidden, Kind } from "../types.js";
import { be, chars, fromChars, le, none, read } from "./bytes.js";
import { type Extent, fillers, others, readMeta } from "./heic.js";
import { kindOf } from "./kind.js";

export interface Result {
  kind: Kind;
  hidden: Hidden;
  /** A photo in which something may be left, though it was to be removed. */
  unclean: boolean;
}

export interface Cleaned {
  /** How long the file is without hidden data. */
  size(): Promise<number>;
  /** That file. It can be asked for again. */
  stream(): ReadableStream<Uint8Array>;
  /** What became of it; known after size() or the stream's end. */
  readonly result: Result;
}

/** A file as it will be sent: unchanged if asked, or if it is no photo of a kind that is known. */
export async function clean(file: Blob, asIs: boolean): Promise<Cleaned> {
  const kind = kindOf(chars(await read(file, 0, 512)));
  const photo = kind in starts;
  if (photo && !asIs) {
    const trial = new Filter(file.slice(0, headSize), kind);
    await trial.size();
    if (!trial.bad && (file.size >= headSize || trial.picture)) {
      let last = trial;
      const pass = (): Filter => (last = new Filter(file, kind));
      return {
        size: () => pass().size(),
        stream: () => {
          const chunks = pass().chunks();
          return new ReadableStream<Uint8Array>({
            async pull(controller) {
              const { done, value } = await chunks.next();
              if (done) controller.close();
              else controller.enqueue(value);
            },
            async cancel() {
              await chunks.return(undefined);
            },
          });
        },
        get result(): Result {
          return { kind, hidden: last.whole() ? "removed" : last.removed ? "partly" : "kept", unclean: !last.whole() };
        },
      };
    }
  }
  return { size: async () => file.size, stream: () => file.stream(), result: { kind, hidden: "kept", unclean: photo && !asIs } };
}

const headSize = 128 << 10;
const windowSize = 256 << 10;
const maxSegment = 2 + (1 << 16);

/** What goes out: bytes, or the file from one place to another. */
type Piece = Uint8Array | [from: number, to: number];

/** What a step throws that can't follow the structure, or is at the file's end. */
const bad = {};
const ended = {};
type Step = (f: Filter) => Promise<void> | void;

/** A pass over a photo, as `filter` in internal/metadata. */
class Filter {
  put: Uint8Array = none;
  drop = 0;
  blank = 0;
  keep = 0;

  step: Step;
  at = 0;
  removed = false;
  picture = false;
  done = false;
  bad = false;
  turned = false;
  left = 0;

  fill = 0; // what blanked bytes become
  watch = false; // blanked bytes that weren't that already count as removed
  unsure = false; // something of no known kind was kept
  pos = 0; // of HEIC: where the next box begins,
  body = 0; // and how far this one is passed
  extents: Extent[] = [];

  #window: Uint8Array = none;
  #from = 0;

  constructor(
    readonly file: Blob,
    kind: Kind,
  ) {
    this.step = starts[kind]!;
  }

  whole(): boolean {
    return !this.bad && !this.unsure && this.picture;
  }

  /** The next n bytes, fewer only at the end. */
  async peek(n: number): Promise<Uint8Array> {
    const want = Math.min(n, this.file.size - this.at);
    if (this.at < this.#from || this.at + want > this.#from + this.#window.length) {
      this.#from = this.at;
      this.#window = await read(this.file, this.at, windowSize);
    }
    return this.#window.subarray(this.at - this.#from, this.at - this.#from + n);
  }

  /** The next n bytes, all of them. */
  async need(n: number): Promise<Uint8Array> {
    const b = await this.peek(n);
    if (b.length < n) throw ended;
    return b;
  }

  /** All that is in memory of what comes next, two bytes at least. */
  async ahead(): Promise<Uint8Array> {
    const b = await this.peek(2);
    return b.length < 2 ? b : this.#window.subarray(this.at - this.#from);
  }

  async *#pieces(): AsyncGenerator<Piece, void, undefined> {
    const size = this.file.size;
    for (;;) {
      if (this.put.length > 0) {
        yield this.put;
        this.put = none;
      }
      let n = Math.min(this.drop, size - this.at);
      if (n > 0 && this.done) this.removed = true;
      this.at += n;
      if (n < this.drop) return;
      this.drop = 0;
      while ((n = Math.min(this.blank, size - this.at, windowSize)) > 0) {
        if (this.watch && (await this.peek(n)).some((c) => c !== this.fill)) this.removed = true;
        yield new Uint8Array(n).fill(this.fill);
        this.at += n;
        this.blank -= n;
      }
      if (this.blank > 0) return;
      if ((n = Math.min(this.keep, size - this.at)) > 0) yield [this.at, this.at + n];
      this.at += n;
      if (n < this.keep) return;
      this.keep = 0;
      try {
        await this.step(this);
      } catch (e) {
        if (e === ended) return;
        if (e !== bad) throw e;
        this.bad = true;
        this.keep = Infinity;
      }
    }
  }

  async size(): Promise<number> {
    let n = 0;
    for await (const p of this.#pieces()) n += p instanceof Uint8Array ? p.length : p[1] - p[0];
    return n;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const p of this.#pieces()) {
      if (p instanceof Uint8Array) {
        yield p;
      } else {
        for (let at = p[0]; at < p[1]; at += windowSize) yield await this.#part(at, Math.min(p[1], at + windowSize));
      }
    }
  }

  /** A copy, since whoever gets it may hand it on. */
  async #part(from: number, to: number): Promise<Uint8Array> {
    const start = from - this.#from;
    if (start >= 0 && to - this.#from <= this.#window.length) return this.#window.slice(start, to - this.#from);
    return read(this.file, from, to - from);
  }

  passed(to: number): void {
    while (this.extents[0] && this.extents[0].to <= to) this.extents.shift();
  }

  /** At the last part of the photo; what follows is dropped. */
  end(): void {
    if (!this.picture) throw bad;
    this.step = () => {
      this.done = true;
      this.drop = Infinity;
    };
  }
}

const starts: Partial<Record<Kind, Step>> = {
  jpeg(f) {
    f.keep = 2;
    f.step = segment;
  },
  png(f) {
    f.keep = 8;
    f.step = chunk;
  },
  async webp(f) {
    const b = await f.need(16);
    if (!/^VP8[ LX]$/.test(chars(b, 12, 16))) throw bad;
    f.left = le(b, 4, 4) - 4;
    f.keep = 12;
    f.step = riff;
  },
  async heic(f) {
    let b = await f.need(8);
    const size = be(b, 0, 4);
    if (size < 16 || size > 1 << 10) throw bad;
    b = await f.need(size);
    for (let at = 8; at + 4 <= size; at += 4) if (/^(msf1|hev[cxms]|avis)$/.test(chars(b, at, at + 4))) throw bad;
    f.keep = f.pos = size;
    f.watch = true;
    f.step = beforeMeta;
  },
};

const exifName = "Exif\0\0";
const bareExif = (orientation: number): string => `MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0${chars(Uint8Array.of(orientation))}\0\0\0\0\0\0`;

/** The orientation of a block of Exif, 0 without one, and whether it has more. */
function readExif(b: Uint8Array): { orientation: number; more: boolean } {
  const order = { "MM\0*": be, "II*\0": le }[chars(b, 0, 4)];
  if (!order || b.length < 8) return { orientation: 0, more: true };
  let orientation = 0;
  const at = order(b, 4, 4);
  if (at + 2 <= b.length) {
    for (let n = order(b, at, 2), e = at + 2; n > 0 && e + 12 <= b.length; n--, e += 12) {
      const value = order(b, e + 8, 2);
      if (!orientation && order(b, e, 2) === 0x112 && order(b, e + 2, 2) === 3 && value >= 1 && value <= 8) orientation = value;
    }
  }
  const bare = fromChars(bareExif(orientation || 1));
  return { orientation, more: b.length < bare.length || b.some((c, i) => c !== (bare[i] ?? 0)) };
}

// JPEG

const isRestart = (m: number): boolean => m >= 0xd0 && m <= 0xd7;

async function segment(f: Filter): Promise<void> {
  let b = await f.need(2);
  const m = b[1]!;
  if (b[0] !== 0xff || m === 0 || m === 0xd8) throw bad;
  if (m === 0xff) {
    b = await f.ahead();
    for (f.keep = 1; b[f.keep + 1] === 0xff; ) f.keep++;
    return;
  }
  if (isRestart(m) || m === 1) {
    f.keep = 2;
    return;
  }
  if (m === 0xd9) {
    f.keep = 2;
    return f.end();
  }
  b = await f.need(4);
  const size = 2 + be(b, 2, 2);
  if (size < 4) throw bad;
  if (m === 0xfe || (m >= 0xe0 && m <= 0xef)) {
    b = await f.need(size);
    application(f, m, b);
    return;
  }
  f.keep = size;
  if (m === 0xda) {
    f.picture = true;
    f.step = scan;
  }
}

/** Decides on a segment that isn't of the picture itself. */
function application(f: Filter, m: number, b: Uint8Array): void {
  const is = (name: string): boolean => chars(b, 4, 4 + name.length) === name;
  const size = b.length;
  const data = size - 4;
  const put = (to: Uint8Array): void => {
    f.put = new Uint8Array(4 + to.length);
    f.put.set([0xff, m, 0, 2 + to.length]);
    f.put.set(to, 4);
  };
  if (m === 0xe0 && is("JFIF\0") && data >= 14) {
    if (data === 14 && !(b[16]! | b[17]!)) {
      f.keep = size;
      return;
    }
    put(b.subarray(4, 18));
    f.put[16] = f.put[17] = 0;
  } else if (m === 0xe2 && is("ICC_PROFILE\0")) {
    f.keep = size;
    return;
  } else if (m === 0xee && is("Adobe") && data >= 12) {
    if (data === 12) {
      f.keep = size;
      return;
    }
    put(b.subarray(4, 16));
  } else if (m === 0xe1 && is(exifName)) {
    const { orientation, more } = readExif(b.subarray(10));
    if (orientation > 1 && !f.turned) {
      f.turned = true;
      put(fromChars(exifName + bareExif(orientation)));
    }
    f.drop = size;
    if (!more) return;
  }
  f.drop = size;
  f.removed = true;
}

async function scan(f: Filter): Promise<void> {
  const b = await f.ahead();
  if (b.length < 2) {
    f.keep = b.length;
    if (!b.length) throw ended;
    return;
  }
  let i = 0;
  for (;;) {
    const j = b.indexOf(0xff, i);
    if (j < 0) {
      i = b.length;
      break;
    }
    i = j;
    const m = b[i + 1];
    if (m === 0 || (m !== undefined && isRestart(m))) i += 2;
    else if (m === 0xff) i++;
    else break;
  }
  f.keep = i;
  if (i === 0) f.step = segment;
}

// PNG

async function chunk(f: Filter): Promise<void> {
  let b = await f.need(8);
  const length = be(b, 0, 4);
  const name = chars(b, 4, 8);
  if (length > 0x7fffffff || !/^[a-z]{4}$/i.test(name)) throw bad;
  const size = length + 12;
  if (name === "IEND") {
    f.keep = size;
    return f.end();
  }
  if (name === "IDAT") f.picture = true;
  if (/^([A-Z]|(tRNS|gAMA|cHRM|sRGB|iCCP|sBIT|bKGD|pHYs|cICP|mDC[Vv]|cLL[Ii]|acTL|fcTL|fdAT)$)/.test(name)) {
    f.keep = size;
    return;
  }
  f.drop = size;
  const looked = 8 + Math.min(length, maxSegment - 8);
  b = await f.need(looked);
  if (name === "eXIf") {
    const { orientation, more } = readExif(b.subarray(8));
    if (orientation > 1 && !f.turned) {
      f.turned = true;
      f.put = fromChars("\0\0\0\x1aeXIf" + bareExif(orientation) + "\0\0\0\0");
      new DataView(f.put.buffer).setUint32(34, crc32(f.put.subarray(4, 34)));
    }
    if (!more) return;
  }
  f.removed = true;
}

/** PNG's checksum, of the thirty bytes that are ours: no table, no library. */
function crc32(b: Uint8Array): number {
  let c = -1;
  for (const v of b) {
    c ^= v;
    for (let i = 0; i < 8; i++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c;
}

// WebP

async function riff(f: Filter): Promise<void> {
  if (f.left === 0) return f.end();
  let b = await f.need(8);
  const name = chars(b, 0, 4);
  const length = le(b, 4, 4);
  let size = 8 + length + (length & 1);
  if (size === f.left + 1) size = f.left;
  if (size > f.left) throw bad;
  f.left -= size;
  switch (name) {
    case "VP8 ":
    case "VP8L":
    case "ANMF":
      f.picture = true;
      f.keep = size;
      return;
    case "ICCP":
    case "ALPH":
    case "ANIM":
      f.keep = size;
      return;
    case "VP8X":
      if (length < 10) throw bad;
      b = await f.need(9);
      f.put = b.slice();
      f.put[8]! &= ~4;
      f.drop = 9;
      f.keep = size - 9;
      return;
  }
  const looked = Math.min(8 + length, maxSegment);
  b = await f.need(looked);
  if (name === "EXIF") {
    const at = chars(b, 8, 14) === exifName ? 14 : 8;
    const { orientation, more } = readExif(b.subarray(at));
    f.removed ||= more;
    if (length >= 26) {
      f.put = fromChars(chars(b, 0, 8) + bareExif(orientation || 1));
      f.drop = f.put.length;
      f.blank = size - f.put.length;
      return;
    }
  } else if (name !== "JUNK") {
    f.removed = true;
  }
  f.put = fromChars("JUNK" + chars(b, 4, 8));
  f.drop = 8;
  f.blank = size - 8;
}

// HEIC

async function beforeMeta(f: Filter): Promise<void> {
  let b = await f.need(8);
  const size = be(b, 0, 4);
  const name = chars(b, 4, 8);
  if (size < 8 || size > maxSegment || (name !== "meta" && !fillers.test(name))) throw bad;
  if (name !== "meta") {
    f.put = b.slice(0, 8);
    f.drop = 8;
    f.blank = size - 8;
    f.pos += size;
    return;
  }
  b = await f.need(size);
  const put = b.slice();
  const meta = readMeta(put);
  if (!meta) throw bad;
  f.pos += size;
  const extents = meta.extents.sort((a, b) => a.from - b.from);
  for (const [i, e] of extents.entries()) {
    const last = extents[i - 1];
    if (e.from < f.pos || (last && e.from < last.to && (e.what || last.what))) throw bad;
    if (last) e.to = Math.max(e.to, last.to);
  }
  f.extents = extents;
  f.unsure = meta.unsure;
  f.removed ||= put.some((c, i) => c !== b[i]);
  f.put = put;
  f.drop = size;
  f.step = box;
}

async function box(f: Filter): Promise<void> {
  let b = await f.need(8);
  let size = be(b, 0, 4) || Infinity;
  let header = 8;
  if (size === 1) {
    header = 16;
    b = await f.need(16);
    size = be(b, 8, 8);
  }
  if (size < header || (size >= 2 ** 63 && size < Infinity)) throw bad;
  const name = chars(b, 4, 8);
  f.body = f.pos + header;
  f.pos += size;
  f.put = b.slice(0, header);
  if (name === "mdat") {
    f.picture = true;
  } else if ((f.extents[0]?.from ?? Infinity) < f.pos || !(fillers.test(name) || others.test(name))) {
    f.unsure = true;
    f.put = none;
    f.keep = size;
    f.passed(f.pos);
    return;
  } else if (others.test(name)) {
    f.removed = true;
    f.put.set(fromChars("free"), 4);
  }
  f.drop = header;
  f.step = inBox;
}

/** Within a box whose bytes are those of items, or go. */
async function inBox(f: Filter): Promise<void> {
  f.passed(f.body);
  const from = f.body;
  const e = f.extents[0] ?? { from: Infinity, to: Infinity, what: "" };
  f.fill = 0;
  if (from === f.pos) {
    f.step = box;
  } else if (e.from > from) {
    f.body = Math.min(e.from, f.pos);
    f.blank = f.body - from;
  } else if (!e.what) {
    f.body = Math.min(e.to, f.pos);
    f.keep = f.body - from;
  } else if (e.to > f.pos || e.from < from) {
    throw bad;
  } else {
    const size = e.to - from;
    const looked = Math.min(size, maxSegment);
    const b = await f.need(looked);
    let instead = "";
    if (e.what === "Exif") {
      const at = 4 + be(b, 0, 4);
      instead = "\0\0\0\0" + bareExif((at <= b.length && readExif(b.subarray(at)).orientation) || 1);
    } else if (e.what === "XMP") {
      instead = `<x:xmpmeta xmlns:x="adobe:ns:meta/"/>`;
      f.fill = 32;
    }
    if (size < instead.length) instead = "";
    if (chars(b, 0, instead.length) !== instead) f.removed = true;
    f.put = fromChars(instead);
    f.drop = instead.length;
    f.blank = size - instead.length;
    f.body = e.to;
  }
}
