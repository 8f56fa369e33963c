// Looks for what a file tells of its maker, before it is sent. It finds the same
// as Inspect in internal/metadata does for the command line, and that package
// says what is looked for. No library: those for a single one of these formats
// are larger than all of this, and read a whole file into memory.

import type { Finding, Inspection } from "../types.js";
import { be, chars, fromChars, le, none, read } from "./bytes.js";
import { fillers, readMeta } from "./heic.js";
import { isText, kindOf } from "./kind.js";

const mostRead = 64 << 20;
const mostParts = 10_000;
const mostFindings = 24;
const mostValue = 120;
const block = 1 << 20;

/** A text without what steers a display, and not too long. */
function oneLine(s: string): string {
  const all = [...s.replace(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ").replace(/\ufffd+/g, "\ufffd").trim()];
  return all.length > mostValue ? all.slice(0, mostValue).join("").trimEnd() + "…" : all.join("");
}

/** A character a byte, whatever it is: to look for names in. */
const raw = (b: Uint8Array): string => new TextDecoder("latin1").decode(b);

// What Windows has in Latin-1 where controls are. Engines' own decoders differ in it.
const between = "€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ";
const windows = (s: string): string => s.replace(/[\x80-\x9f]/g, (c) => between[c.charCodeAt(0) - 128]!);
const latin = (b: Uint8Array): string => windows(raw(b.subarray(0, 1 << 10)));
const utf16 = (b: Uint8Array, big: boolean): string =>
  new TextDecoder(big ? "utf-16be" : "utf-16le", { ignoreBOM: true }).decode(b.subarray(0, b.length & ~1));

/** By the byte order mark; without one UTF-8, or Latin-1 if that isn't valid. */
function text(b: Uint8Array): string {
  if (b[0] === 0xfe && b[1] === 0xff) return utf16(b.subarray(2), true);
  if (b[0] === 0xff && b[1] === 0xfe) return utf16(b.subarray(2), false);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(b);
  } catch {
    return latin(b);
  }
}

function upTo(b: Uint8Array, end = 0): Uint8Array {
  const n = b.indexOf(end);
  return n < 0 ? b : b.subarray(0, n);
}

const zeroEnded = (b: Uint8Array): string => text(upTo(b));

/** Before and after a zero, which is of two bytes in a wide text. */
function zeroCut(b: Uint8Array, wide: boolean): [Uint8Array, Uint8Array] {
  const step = wide ? 2 : 1;
  for (let i = 0; i + step <= b.length; i += step) {
    if (!b[i] && !(wide && b[i + 1])) return [b.subarray(0, i), b.subarray(i + step)];
  }
  return [b, b.subarray(b.length)];
}

function degrees(v: number): string {
  const n = Math.floor(Math.abs(v) * 1e4 + 0.5);
  return (v < 0 && n > 0 ? "-" : "") + Math.floor(n / 1e4) + "." + String(n % 1e4).padStart(4, "0");
}

// What names are about, in the order in which people are told: of XML, of chunks, boxes, frames and fields. No two formats mean different things by one.
const names = new Map<string, string>();
for (const line of `author= dc:creator|cp:lastmodifiedby|manager|meta:initial-creator|meta:printed-by|tiff:artist|w:author|w15:author|displayname|author|copyright|iart|ieng|icop|auth|perf|tpe1|tcom|tenc|town|artist|©art|©aut|©cpy
company= company|tpub|organization
place= photoshop:city|iptc4xmpcore:location|location|location.iso6709|©xyz
maker= tiff:make|©mak|make|manufacturer
model= tiff:model|©mod|model
device= aux:serialnumber|exifex:bodyserialnumber
time= dcterms:created|dcterms:modified|cp:lastprinted|meta:creation-date|meta:print-date|dc:date|xmp:createdate|xmp:modifydate|exif:datetimeoriginal|creationdate|moddate|icrd|tdrc|tden|tyer|date|creation_time|©day
program= application|meta:generator|xmp:creatortool|pdf:producer|creator|producer|software|isft|tsse|encoder|©too|©swr
title= dc:title|title|inam|name|tit2|©nam|titl
text= dc:description|subject|keywords|comment|description|icmt|anno|comm|©cmt|©des|dscp`.split("\n")) {
  const [what, list] = line.split("= ") as [string, string];
  for (const name of list.split("|")) names.set(name, what);
}
const about = (name: string): string | undefined => names.get(name.replace(/^com\.(apple\.quicktime|android)\./, "").toLowerCase());

const exifNames: Record<number, string> = {
  0x10e: "text",
  0x10f: "maker",
  0x110: "model",
  0x131: "program",
  0x132: "time",
  0x13b: "author",
  0x13c: "device",
  0x8298: "author",
  0x9003: "time",
  0x9004: "time",
  0xa430: "author",
  0xa431: "device",
};

/** What can be learned of a file. It only fails if the file itself can't be read any more. */
export async function inspect(file: Blob): Promise<Inspection> {
  let left = mostRead;
  let inflated = mostRead;
  let parts = mostParts;
  const list: Finding[] = [];
  let deviceMaker = "";
  let deviceModel = "";
  let keys: string[] | undefined; // of QuickTime's list; none before there is a moov
  let piece = none; // what was read last of small pieces
  let pieceAt = 0;

  /** n bytes, fewer if the file or what may be read ends before. */
  async function get(offset: number, n: number): Promise<Uint8Array> {
    n = Math.min(n, block, file.size - offset);
    if (!(offset >= 0 && n > 0)) return none;
    if (offset < pieceAt || offset + n > pieceAt + piece.length) {
      const most = n > 4 << 10 ? n : Math.min(64 << 10, file.size - offset);
      if (most > left) {
        add("partly");
        return none;
      }
      left -= most;
      pieceAt = offset;
      piece = await read(file, offset, most);
    }
    return piece.subarray(offset - pieceAt, offset - pieceAt + n);
  }

  function part(): boolean {
    if (--parts < 0) add("partly");
    return parts >= 0;
  }

  function add(what: string, value?: string): void {
    value = value === undefined ? "" : oneLine(value) || undefined;
    if (value === undefined || list.some((f) => f.what === what && f.value === value)) return;
    if (list.length < 4 * mostFindings) list.push({ what, value });
  }

  function bad(): void {
    add("unreadable");
  }

  /** Notes a value by what it is about. */
  function note(what: string | undefined, value: string): void {
    if (what === "maker") deviceMaker = value;
    else if (what === "model") deviceModel = value;
    else if (what === "time") when(value);
    else if (what === "place") notePlace(value);
    else if (what) add(what, value);
  }

  /** Notes what comes in two parts. */
  function flush(): void {
    const maker = oneLine(deviceMaker);
    const model = oneLine(deviceModel);
    add("device", model.startsWith(maker) ? model : `${maker} ${model}`);
    deviceMaker = deviceModel = "";
  }

  function when(s: string): void {
    const m = /^\D{0,2}(\d{4})(?:\D?(\d\d)\D?(\d\d)(?:\D?(\d\d)\D?(\d\d)(?:\D?\d\d(?:\.\d+)?)?(Z)?)?)?/.exec(s);
    if (!m || m[1] === "0000") return;
    add("time", m[1] + (m[2] ? `-${m[2]}-${m[3]}` : "") + (m[4] ? ` ${m[4]}:${m[5]}` : "") + (m[6] ? " UTC" : ""));
  }

  function whenUnix(s: number): void {
    if (s > 0 && s < 2 ** 33) when(new Date(s * 1000).toISOString());
  }

  function where(latitude: number, longitude: number): void {
    if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && (latitude || longitude)) {
      add("place", `${degrees(latitude)}, ${degrees(longitude)}`);
    }
  }

  function notePlace(s: string): void {
    const m = /^\s*([+-]\d{1,2}(?:\.\d{1,12})?)([+-]\d{1,3}(?:\.\d{1,12})?)/.exec(s);
    if (m) where(Number(m[1]), Number(m[2]));
    else add("place", s);
  }

  // Photos

  function jpeg(b: Uint8Array): void {
    for (let at = 2; part(); ) {
      while (b[at] === 0xff && b[at + 1] === 0xff) at++;
      if (at + 4 > b.length || b[at] !== 0xff) return bad();
      const m = b[at + 1]!;
      if (m === 0xda || m === 0xd9) return;
      const end = at + 2 + be(b, at + 2, 2);
      if (end < at + 4 || end > b.length) return bad();
      const data = b.subarray(at + 4, end);
      at = end;
      const name = chars(data, 0, 21);
      if (m === 0xe1 && name.startsWith("Exif\0\0")) exif(data.subarray(6));
      else if (m === 0xe1 && name === "http://ns.adobe.com/x" && data.includes(60)) xml(data.subarray(data.indexOf(60)));
      else if (m === 0xfe) add("text", text(data));
    }
  }

  async function png(): Promise<void> {
    for (let at = 8; part(); ) {
      const b = await get(at, 8);
      if (b.length < 8) return bad();
      const length = be(b, 0, 4);
      const name = chars(b, 4);
      if (name === "IEND") return;
      if (name === "eXIf") exif(await get(at + 8, length));
      if (name === "tEXt" || name === "iTXt") {
        const [keyword, value] = zeroCut(await get(at + 8, length), false);
        const key = text(keyword);
        if (key === "XML:com.adobe.xmp") xml(value.subarray(Math.max(0, value.indexOf(60))));
        else if (name === "tEXt") note(about(key), text(value));
      }
      at += length + 12;
    }
  }

  /** The items that aren't pictures; and whether clean() would leave something. */
  async function heic(): Promise<void> {
    for (let at = 0; part(); ) {
      const b = await get(at, 8);
      const size = be(b, 0, 4);
      if (b.length < 8 || size < 8) break;
      const name = chars(b, 4);
      if (name === "meta" && size <= block) {
        const meta = readMeta((await get(at, size)).slice());
        if (!meta) break;
        if (meta.unsure) bad();
        for (const e of meta.extents) {
          if (e.what !== "Exif" && e.what !== "XMP") continue;
          const b = await get(e.from, e.to - e.from);
          const start = 4 + be(b, 0, 4);
          if (e.what === "XMP") xml(b);
          else if (start <= b.length) exif(b.subarray(start));
          else bad();
        }
        return;
      }
      if (at && !fillers.test(name)) bad();
      at += size;
    }
    bad();
  }

  function exif(b: Uint8Array): void {
    const num = { "MM\0*": be, "II*\0": le }[chars(b, 0, 4)];
    if (!num || b.length < 8) return bad();
    const each = (at: number, tags: (tag: number, data: Uint8Array, offset: number) => void): boolean => {
      if (at + 2 > b.length) return false;
      let n = num(b, at, 2);
      for (at += 2; n > 0 && at + 12 <= b.length; n--, at += 12) {
        const size = num(b, at + 4, 4) * ([0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4][num(b, at + 2, 2)] ?? 4);
        const offset = num(b, at + 8, 4);
        const from = size <= 4 ? at + 8 : offset;
        tags(num(b, at, 2), from + size <= b.length ? b.subarray(from, from + size) : b.subarray(0, 0), offset);
      }
      return n === 0;
    };
    const angle = (data: Uint8Array): number => {
      if (data.length < 24) return NaN;
      let d = 0;
      for (let i = 0; i < 3; i++) {
        const n = num(data, 8 * i, 4);
        const by = num(data, 8 * i + 4, 4);
        if (!by && (n || !i)) return NaN;
        d += n / (by || 1) / [1, 60, 3600][i]!;
      }
      return d;
    };
    let within = 0;
    const side: string[] = [];
    const value = [NaN, NaN, NaN, NaN, NaN];
    const tags = (tag: number, data: Uint8Array, offset: number): void => {
      if (tag === 0x8769 && !within++) each(offset, tags);
      else if (tag === 0x9286) note(chars(data, 0, 8) === "ASCII\0\0\0" ? "text" : undefined, text(data.subarray(8)));
      else if (tag === 0x8825) {
        each(offset, (tag, data) => {
          if (tag === 1 || tag === 3) side[tag + 1] = chars(data, 0, 1);
          else if (tag === 2 || tag === 4) value[tag] = angle(data);
        });
      } else note(exifNames[tag], zeroEnded(data));
    };
    if (!each(num(b, 4, 4), tags)) bad();
    where(side[2] === "S" ? -value[2]! : value[2]!, side[4] === "W" ? -value[4]! : value[4]!);
    flush();
  }

  // XML, of XMP and of documents: there is no parser in a worker. Each step goes
  // on from where the last one ended, and the first that can't is the end.

  function xml(bytes: Uint8Array): void {
    const s = new TextDecoder().decode(bytes).replace(/\0+$/, "");
    const plain = (v: string): string =>
      v.replace(/&(?:#(x?)([\da-f]{1,5})|(amp|lt|gt|quot|apos));/gi, (_, hex, code, name: "amp") => (name ? { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[name] : String.fromCodePoint(parseInt(code, hex ? 16 : 10))));
    const tag = /<(\/?)([^\s<>/="']+)((?:[^"'<>]|"[^"<]*"|'[^'<]*')*)>/y;
    let within = "";
    let what: string | undefined;
    for (let at = 0; at < s.length && part(); ) {
      const open = s.indexOf("<", at);
      const skip = (until: string): boolean => {
        const end = s.indexOf(until, open);
        at = end + until.length;
        return end >= 0;
      };
      const chunk = plain(s.slice(at, open < 0 ? s.length : open)).trim();
      if (chunk) note(what, chunk);
      if (open < 0) break;
      if (s.startsWith("<!--", open) ? skip("-->") : s.startsWith("<?", open) && skip("?>")) continue;
      tag.lastIndex = open;
      const m = tag.exec(s);
      if (!m) {
        bad();
        break;
      }
      at = tag.lastIndex;
      const name = m[2]!;
      if (m[1]) {
        if (name === within) within = what = "";
        continue;
      }
      for (const a of m[3]!.matchAll(/([^\s=]{1,64})\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) note(about(a[1]!), plain(a[2] ?? a[3]!));
      if (about(name) && !m[3]!.endsWith("/")) {
        within = name;
        what = about(name);
      }
    }
    flush();
  }

  // RIFF

  async function riff(at: number, end: number): Promise<void> {
    while (at < end && part()) {
      const b = await get(at, 12);
      if (b.length < 8) return;
      const name = chars(b, 0, 4);
      const length = le(b, 4, 4);
      const all = (): Promise<Uint8Array> => get(at + 8, length);
      if (name === "LIST") {
        if (chars(b, 8) === "INFO") await riff(at + 12, Math.min(end, at + 8 + length));
      } else if (name === "EXIF") {
        const e = await all();
        exif(chars(e, 0, 6) === "Exif\0\0" && e.length > 6 ? e.subarray(6) : e);
      } else if (name === "XMP " || name === "_PMX") {
        xml(await all());
      } else if (about(name)) {
        note(about(name), zeroEnded(await all()));
      }
      at += 8 + length + (length & 1);
    }
  }

  // Sound and video

  async function media(head: string): Promise<void> {
    if (head.startsWith("RIFF")) return riff(12, file.size);
    if (/^....(ftyp|moov|mdat|wide)/s.test(head)) return film();
    if (head.startsWith("ID3")) await id3();
    else if (!/^(#!AMR|MThd|\xff)/.test(head)) bad(); // Matroska, Ogg, FLAC, AIFF: too much code for what they tell
  }

  async function id3(): Promise<void> {
    const sevenBits = (b: Uint8Array, at: number): number => (b[at]! & 127) * 2 ** 21 + ((b[at + 1]! & 127) << 14) + ((b[at + 2]! & 127) << 7) + (b[at + 3]! & 127);
    const b = await get(0, 10);
    const version = b[3]!;
    if (b.length < 10 || version < 3 || version > 4 || b[5]! & 0xc0) return bad();
    const end = 10 + sevenBits(b, 6);
        for (let at = 10; at + 10 <= end && part(); ) {
      const h = await get(at, 10);
      if (h.length < 10 || !h[0]) break;
      const length = version === 3 ? be(h, 4, 4) : sevenBits(h, 4);
      const what = about(chars(h, 0, 4));
      if (what && length > 1 && !h[9]) id3Text(what, await get(at + 10, Math.min(length, 4 << 10)));
      at += 10 + length;
    }
  }

  function id3Text(what: string, all: Uint8Array): void {
    const coding = all[0];
    if (coding === undefined) return;
    const wide = coding === 1 || coding === 2;
    let b = all.subarray(1);
    if (what === "text") {
      if (b.length < 3) return;
      b = zeroCut(b.subarray(3), wide)[1];
      if (!b.length) return;
    }
    b = zeroCut(b, wide)[0];
    note(what, coding === 2 ? utf16(b, true) : coding === 0 ? latin(b) : text(b));
  }

  async function film(): Promise<void> {
    await boxes(0, file.size, "");
    if (!keys) bad();
    flush();
  }

  async function boxes(at: number, end: number, of: string): Promise<void> {
    while (at < end && part()) {
      const b = await get(at, 16);
      if (b.length < 8) return;
      let size = be(b, 0, 4);
      let header = 8;
      if (size === 0) {
        if (of) return;
        size = end - at;
      } else if (size === 1 && b.length === 16) {
        size = be(b, 8, 8);
        header = 16;
      }
      if (size < header || size > end - at) return bad();
      await box(chars(b, 4, 8), of, at + header, at + size);
      at += size;
    }
  }

  async function box(name: string, of: string, at: number, end: number): Promise<void> {
    const all = (): Promise<Uint8Array> => get(at, end - at);
    switch (`${of}/${name}`) {
      case "/moov":
        keys ??= [];
        return boxes(at, end, name);
      case "moov/udta":
      case "meta/ilst":
        return boxes(at, end, name);
      case "moov/meta":
      case "udta/meta":
      case "/meta": {
        const b = await get(at, 8);
        return boxes(b.length === 8 && chars(b, 4) !== "hdlr" ? at + 4 : at, end, "meta");
      }
      case "moov/mvhd": {
        const b = await all();
        const since1904 = 2082844800;
        if (b.length >= 12 && b[0] === 1) whenUnix(be(b, 4, 8) - since1904);
        else if (b.length >= 8) whenUnix(be(b, 4, 4) - since1904);
        return;
      }
      case "meta/keys": {
        let b = (await all()).subarray(8);
        while (b.length >= 8 && part()) {
          const n = be(b, 0, 4);
          if (n < 8 || n > b.length) break;
          keys?.push(text(b.subarray(8, n)));
          b = b.subarray(n);
        }
        return;
      }
      case "/uuid":
        if (chars(await get(at, 16)) === "\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac") xml(await get(at + 16, end - at - 16));
        return;
    }
    const b = of === "ilst" || of === "udta" ? await all() : undefined;
    if (!b) return;
    let what = about(name);
    if (of === "ilst") {
      const key = keys?.[be(Uint8Array.from(name, (c) => c.charCodeAt(0)), 0, 4) - 1];
      if (key !== undefined) what = about(key);
      const size = be(b, 0, 4);
      if (b.length >= 16 && chars(b, 4, 8) === "data" && size >= 16 && size <= b.length) boxText(what, b.subarray(16, size), b[11] === 2);
    } else if (name === "loci") {
      const rest = zeroCut(b.subarray(6), false)[1];
      const fixed = (at: number): number => (be(rest, at, 4) | 0) / 65536;
      if (rest.length >= 9) where(fixed(5), fixed(1));
    } else if (what && name.startsWith("©") && b.length >= 4) {
      boxText(what, b.subarray(4, 4 + be(b, 0, 2)), false);
    } else if (what && b.length > 6) {
      boxText(what, b.subarray(6), false);
    }
  }

  function boxText(what: string | undefined, b: Uint8Array, wide: boolean): void {
    note(what, wide ? utf16(b, true) : b.length > 1 && b[0] === 0xfe ? text(b) : zeroEnded(b));
  }

  // Documents

  async function eachWindow(work: (at: number, b: Uint8Array, s: string) => Promise<void> | void): Promise<void> {
    const half = mostRead / 4;
    const size = file.size;
    for (let at = 0; at < size; at += block - (16 << 10)) {
      if (size > 2 * half && at >= half && at < size - half) {
        at = size - half;
        add("partly");
      }
      const b = await get(at, block);
      await work(at, b, raw(b));
      if (at + block >= size) return;
    }
  }

  async function pdf(): Promise<void> {
    const texts: [string, string][] = [];
    let encrypted = false;
    await eachWindow(async (at, b, s) => {
      for (const i of each(s, "/Encrypt")) encrypted ||= /^\s{0,4}\d{1,9}\s{1,4}\d{1,5}\s{1,4}R/.test(s.slice(i + 8, i + 64));
      pdfInfo(b, s, texts);
      const end = "</x:xmpmeta>";
      for (const i of each(s, "<x:xmpmeta")) {
        const n = s.indexOf(end, i);
        if (n < 0) break;
        xml(b.subarray(i, n + end.length));
      }
      for (const i of each(s, "/ObjStm")) {
        const from = Math.max(0, s.lastIndexOf("obj", i - 3));
        let j = s.indexOf("stream", from);
        if (j < 0 || j - from > 1 << 10 || !part()) continue;
        const dict = s.slice(from, j);
        const length = /\/Length\s{0,4}(\d{1,9})\s{0,4}(?:[^\d\s]|$)/.exec(dict)?.[1];
        if (!length || !dict.includes("/FlateDecode")) {
          bad();
          continue;
        }
        j += s.startsWith("\r\n", j + 6) ? 8 : 7;
        const inside = await inflate("deflate", await get(at + j, Number(length)), block);
        pdfInfo(inside, raw(inside), texts);
      }
    });
    if (encrypted) return bad();
    for (const [what, value] of texts) note(what, value);
  }

  function pdfInfo(b: Uint8Array, s: string, texts: [string, string][]): void {
    const longest = 16 << 10;
    for (const key of ["/Producer", "/Creator", "/Author", "/CreationDate", "/ModDate"]) {
      for (const i of each(s, key)) {
        const at = s.lastIndexOf("<<", i - 2);
        if (at < 0 || at < i - longest || !part()) continue;
        const dict = chars(b, at + 2, at + longest);
        entry.lastIndex = 0;
        for (let m; (m = entry.exec(dict)); ) {
          const what = about(m[1]!);
          const value = m[2] !== undefined ? unescape(m[2]) : m[3]?.replace(/[^\da-f]/gi, "").replace(/..?/g, (d) => String.fromCharCode(parseInt(d.padEnd(2, "0"), 16)));
          if (what && value) texts.push([what, text(fromChars(value))]);
        }
      }
    }
  }

  /** What comes of inflating, up to a limit. */
  async function inflate(format: CompressionFormat, b: Uint8Array, limit: number): Promise<Uint8Array> {
    inflated -= limit;
    if (inflated < 0) {
      add("partly");
      return none;
    }
    const out = new Uint8Array(limit);
    let n = 0;
    try {
      const reader = new Blob([b as BlobPart]).stream().pipeThrough(new DecompressionStream(format)).getReader();
      while (n < limit) {
        const { done, value } = await reader.read();
        if (done) break;
        out.set(value.subarray(0, limit - n), n);
        n += value.length;
      }
      reader.cancel().catch(() => {});
    } catch {
      bad();
      return none;
    }
    return out.subarray(0, n);
  }

  async function zip(): Promise<void> {
    const tail = 22 + (1 << 16);
    const b = await get(Math.max(0, file.size - tail), tail);
    const i = raw(b).lastIndexOf("PK\x05\x06");
    if (i < 0 || b.length - i < 22) return bad();
    let at = le(b, i + 16, 4);
    let photos = 16;
    for (let n = le(b, i + 10, 2); n > 0 && part(); n--) {
      const e = await get(at, 46);
      if (e.length < 46 || chars(e, 0, 4) !== "PK\x01\x02") return bad();
      const length = le(e, 28, 2);
      const name = text(await get(at + 46, length));
      at += 46 + length + le(e, 30, 2) + le(e, 32, 2);
      const entry = (limit: number): Promise<Uint8Array> => unpack(le(e, 10, 2), le(e, 42, 4), le(e, 20, 4), limit);
      if (/^(docProps\/(core|app)\.xml|meta\.xml|word\/(comments|people)\.xml|xl\/persons\/person\.xml)$/.test(name)) {
        xml(await entry(block));
      } else if (/(\/media\/|^Pictures\/).*\.jpe?g$/s.test(name) && photos-- > 0) {
        const photo = await entry(128 << 10);
        if (photo.length > 2) jpeg(photo);
      }
    }
  }

  /** The beginning of a file in an archive. */
  async function unpack(method: number, local: number, packed: number, limit: number): Promise<Uint8Array> {
    const h = await get(local, 30);
    if (h.length === 30 && chars(h, 0, 4) === "PK\x03\x04" && !(h[6]! & 1)) {
      const b = await get(local + 30 + le(h, 26, 2) + le(h, 28, 2), Math.min(packed, 2 * limit));
      if (method === 0) return b.subarray(0, limit);
      if (method === 8) return inflate("deflate-raw", b, limit);
    }
    bad();
    return none;
  }

  async function ole(): Promise<void> {
    let found = false;
    await eachWindow((_, b, s) => {
      for (const [id, whats] of oleNames) {
        for (const i of each(s, id)) {
          if (i < 28 || i + 20 > b.length || le(b, i - 28, 2) !== 0xfffe || !part()) continue;
          const set = b.subarray(i - 28, i - 28 + (4 << 10));
          const at = le(set, 44, 4);
          if (at < 48 || at > set.length - 8) continue;
          found = true;
          properties(set.subarray(at), whats);
        }
      }
    });
    if (!found) bad();
  }

  function properties(b: Uint8Array, whats: Record<number, string>): void {
    let codepage = 1252;
    let e = 8;
    for (let n = le(b, 4, 4); n > 0 && e + 8 <= b.length && part(); n--, e += 8) {
      const id = le(b, e, 4);
      const at = le(b, e + 4, 4);
      if (at + 8 > b.length) return bad();
      const kind = le(b, at, 4);
      const what = whats[id];
      if (id === 1 && kind === 2) {
        codepage = le(b, at + 4, 2);
      } else if (what === "time" && kind === 64 && at + 12 <= b.length) {
        const since1601 = 11644473600;
        whenUnix(Math.floor(le(b, at + 4, 8) / 1e7) - since1601);
      } else if (kind === 30 || kind === 31) {
        const size = le(b, at + 4, 4) * (kind - 29);
        if (size > b.length - at - 8) return bad();
        const value = b.subarray(at + 8, at + 8 + size);
        if (kind === 31 || codepage === 1200) note(what, utf16(zeroCut(value, true)[0], false));
        else note(what, zeroEnded(value));
      }
    }
  }

  const head = chars(await get(0, 512));
  const kind = kindOf(head);
  switch (kind) {
    case "jpeg":
      jpeg(await get(0, block));
      break;
    case "png":
      await png();
      break;
    case "webp":
      await riff(12, file.size);
      break;
    case "heic":
      if (/^.{8,64}(msf1|hev[cxms]|avis)/s.test(head)) bad();
      await heic();
      break;
    case "image":
      if (/^(II\*\0|MM\0\*)/.test(head)) exif(await get(0, block));
      break;
    case "pdf":
      await pdf();
      break;
    case "office":
      if (head.startsWith("PK")) await zip();
      else await ole();
      break;
    case "audio":
    case "video":
      await media(head);
      break;
    case "other":
      if (!isText(head)) bad();
  }
  return { kind, findings: [...new Set(names.values()), "partly", "unreadable"].flatMap((what) => list.filter((f) => f.what === what)).slice(0, mostFindings) };
}

// The identifiers of the two sets of properties of a document of Office before
// 2007.
const oleNames: [string, Record<number, string>][] = [
  [[0xe0, 0x85, 0x9f, 0xf2, 0xf9, 0x4f, 0x68, 0x10, 0xab, 0x91, 8, 0, 0x2b, 0x27, 0xb3, 0xd9], { 2: "title", 4: "author", 6: "text", 8: "author", 11: "time", 12: "time", 13: "time", 18: "program" }],
  [[0x02, 0xd5, 0xcd, 0xd5, 0x9c, 0x2e, 0x1b, 0x10, 0x93, 0x97, 8, 0, 0x2b, 0x2c, 0xf9, 0xae], { 14: "author", 15: "company" }],
].map(([id, whats]) => [raw(Uint8Array.from(id as number[])), whats as Record<number, string>]);

// An entry of a dictionary of PDF: its name, then a string in parentheses, one
// of hexadecimal digits, or anything else.
const entry = /[ \t\r\n\f\0]*\/([^ \t\r\n\f\0()<>[\]{}/%]*)[ \t\r\n\f\0]*(?:\(((?:\\[^]|[^\\()]|\((?:\\[^]|[^\\()])*\))*)\)|<([^<>]*)>|[^()<>/]*)/y;

/** A string as it is written in parentheses. */
const unescape = (s: string): string =>
  s.replace(/\\([0-7]{1,3}|\r?\n|[^])/g, (_, c: string) => (/[0-7]/.test(c) ? String.fromCharCode(parseInt(c, 8) & 255) : /\n/.test(c) ? "" : { n: "\n", r: "\r", t: "\t" }[c] ?? c));

/** Where a text has another. */
function* each(s: string, part: string): Generator<number, void, undefined> {
  for (let i = s.indexOf(part); i >= 0; i = s.indexOf(part, i + 1)) yield i;
}
