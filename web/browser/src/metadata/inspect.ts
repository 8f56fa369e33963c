// Looks for what a file tells of its maker, before it is sent. It finds the same
// as Inspect in internal/metadata does for the command line, and that package
// says what is looked for. No library: those for a single one of these formats
// are larger than all of this, and read a whole file into memory.

import type { Finding, Inspection } from "../types.js";
import { be, chars, le, read } from "./bytes.js";
import { readMeta } from "./heic.js";
import { isText, kindOf } from "./kind.js";

const mostRead = 64 << 20;
const mostParts = 10_000;
const mostFindings = 24;
const mostValue = 120;
const block = 1 << 20;

const order = ["author", "company", "place", "device", "time", "program", "title", "text", "partly", "unreadable"];

/** What can be learned of a file. It only fails if the file itself can't be read any more. */
export async function inspect(file: Blob): Promise<Inspection> {
  const x = new Inspector(file);
  const head = chars(await x.at(0, 512));
  const kind = kindOf(head);
  switch (kind) {
    case "jpeg":
      x.jpeg(await x.at(0, block));
      break;
    case "png":
      await x.png();
      break;
    case "webp":
      await x.riff();
      break;
    case "heic":
      await x.heic();
      break;
    case "image":
      if (/^(II\*\0|MM\0\*)/.test(head)) x.exif(await x.at(0, block));
      break;
    case "pdf":
      await x.pdf();
      break;
    case "office":
      if (head.startsWith("PK")) await x.zip();
      else if (head.startsWith("{")) x.rtf(raw(await x.at(0, 64 << 10)));
      else await x.ole();
      break;
    case "audio":
    case "video":
      await x.media(head);
      break;
    case "other":
      if (!isText(head)) x.bad();
  }
  return { kind, findings: order.flatMap((what) => x.found.filter((f) => f.what === what)).slice(0, mostFindings) };
}

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

/** Names by what they are about: "author=A,B title=C". */
function names(s: string): Map<string, string> {
  const m = new Map<string, string>();
  for (const line of s.trim().split(/\s*\n\s*/)) {
    const [what, list] = line.split("= ") as [string, string];
    for (const name of list.split("|")) m.set(name, what);
  }
  return m;
}

const xmlNames = names(`
  author= dc:creator|cp:lastModifiedBy|Manager|meta:initial-creator|meta:printed-by|tiff:Artist|xmpRights:Owner|pdf:Author|w:author|w15:author|displayName
  company= Company|pdfx:Company
  title= dc:title
  text= dc:description
  program= Application|meta:generator|xmp:CreatorTool|pdf:Producer
  time= dcterms:created|dcterms:modified|cp:lastPrinted|meta:creation-date|dc:date|meta:print-date|xmp:CreateDate|xmp:ModifyDate|exif:DateTimeOriginal|photoshop:DateCreated
  maker= tiff:Make
  model= tiff:Model
  device= aux:SerialNumber|exifEX:BodySerialNumber
  latitude= exif:GPSLatitude
  longitude= exif:GPSLongitude
  place= photoshop:City|photoshop:State|photoshop:Country|Iptc4xmpCore:Location`);

const chunkNames = names(`
  author= IART|IENG|ITCH|ICOP|AUTH|(c) \x20
  title= INAM|NAME
  program= ISFT
  device= ISRC
  time= ICRD|IDIT
  text= ICMT|ISBJ|ANNO`.replace("(c) \x20", "(c) "));

const pngNames = names(`
  author= Author|Copyright
  program= Software
  device= Source
  title= Title
  time= Creation Time|create-date
  text= Comment|Description`);

const id3Names = names(`
  author= TPE1|TPE2|TCOM|TENC|TOWN|TCOP|TP1|TP2|TCM|TEN
  company= TPUB|TPB
  title= TIT2|TT2
  program= TSSE|TSS
  time= TDRC|TDEN|TDTG|TYER|TYE
  text= COMM|COM`);

const commentNames = names(`
  author= ARTIST|PERFORMER|COMPOSER|AUTHOR|ENCODED-BY|ENCODED_BY|COPYRIGHT|CONTACT
  company= ORGANIZATION
  title= TITLE
  program= ENCODER
  time= DATE|CREATION_TIME
  place= LOCATION
  text= COMMENT|DESCRIPTION`);

const boxNames = names(`
  author= ©ART|©aut|©wrt|©cpy|©prd|auth|perf|cprt|aART
  title= ©nam|titl
  program= ©too|©swr|©enc
  maker= ©mak
  model= ©mod
  time= ©day
  place= ©xyz
  text= ©cmt|©des|desc|dscp`);

const keyNames = names(`
  maker= com.apple.quicktime.make|com.android.manufacturer|make
  model= com.apple.quicktime.model|com.android.model|model
  program= com.apple.quicktime.software|com.android.version|encoder
  time= com.apple.quicktime.creationdate|date|creation_time
  place= com.apple.quicktime.location.ISO6709|com.apple.quicktime.location.name|location
  author= com.apple.quicktime.author|com.apple.quicktime.artist|artist|author
  title= com.apple.quicktime.title|title
  text= com.apple.quicktime.comment|com.apple.quicktime.description|comment|description`);

const infoNames = names(`
  author= Author
  company= Company
  title= Title
  text= Subject|Keywords
  program= Creator|Producer
  time= CreationDate|ModDate|SourceModified`);

const rtfNames = names(`
  author= author|operator|manager
  company= company
  title= title
  text= doccomm`);

type Endian = typeof be;

class Inspector {
  left = mostRead;
  inflated = mostRead;
  parts = mostParts;
  found: Finding[] = [];
  maker = "";
  model = "";
  keys: string[] | undefined; // of QuickTime's list; none before there is a moov

  #window: Uint8Array = new Uint8Array();
  #from = 0;

  constructor(readonly file: Blob) {}

  /** n bytes, fewer if the file or what may be read ends before. */
  async at(offset: number, n: number): Promise<Uint8Array> {
    n = Math.min(n, block, this.file.size - offset);
    if (!(offset >= 0 && n > 0)) return new Uint8Array();
    if (n > 4 << 10) return this.#read(offset, n);
    if (offset < this.#from || offset + n > this.#from + this.#window.length) {
      this.#from = offset;
      this.#window = await this.#read(offset, Math.min(64 << 10, this.file.size - offset));
    }
    return this.#window.subarray(offset - this.#from, offset - this.#from + n);
  }

  async #read(offset: number, n: number): Promise<Uint8Array> {
    if (n > this.left) {
      this.add("partly");
      return new Uint8Array();
    }
    this.left -= n;
    return read(this.file, offset, n);
  }

  part(): boolean {
    if (--this.parts < 0) this.add("partly");
    return this.parts >= 0;
  }

  add(what: string, value?: string): void {
    value = value === undefined ? "" : oneLine(value) || undefined;
    if (value === undefined || this.found.some((f) => f.what === what && f.value === value)) return;
    if (this.found.length < 4 * mostFindings) this.found.push({ what, value });
  }

  bad(): void {
    this.add("unreadable");
  }

  /** Notes a value by what it is about. */
  note(what: string | undefined, value: string): void {
    if (what === "maker") this.maker = value;
    else if (what === "model") this.model = value;
    else if (what === "time") this.when(value);
    else if (what === "place") this.place(value);
    else if (what) this.add(what, value);
  }

  /** Notes what comes in two parts. */
  flush(): void {
    const maker = oneLine(this.maker);
    const model = oneLine(this.model);
    this.add("device", model.startsWith(maker) ? model : `${maker} ${model}`);
    this.maker = this.model = "";
  }

  when(s: string): void {
    const m = /^\D{0,2}(\d{4})(?:\D?(\d\d)\D?(\d\d)(?:\D?(\d\d)\D?(\d\d)(?:\D?\d\d(?:\.\d+)?)?(Z)?)?)?/.exec(s);
    if (!m || m[1] === "0000") return;
    this.add("time", m[1] + (m[2] ? `-${m[2]}-${m[3]}` : "") + (m[4] ? ` ${m[4]}:${m[5]}` : "") + (m[6] ? " UTC" : ""));
  }

  whenUnix(s: number): void {
    if (s > 0 && s < 2 ** 33) this.when(new Date(s * 1000).toISOString());
  }

  where(latitude: number, longitude: number): void {
    if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && (latitude || longitude)) {
      this.add("place", `${degrees(latitude)}, ${degrees(longitude)}`);
    }
  }

  place(s: string): void {
    const m = /^\s*([+-]\d{1,2}(?:\.\d{1,12})?)([+-]\d{1,3}(?:\.\d{1,12})?)/.exec(s);
    if (m) this.where(Number(m[1]), Number(m[2]));
    else this.add("place", s);
  }

  // Photos

  jpeg(b: Uint8Array): void {
    for (let at = 2; this.part(); ) {
      while (b[at] === 0xff && b[at + 1] === 0xff) at++;
      if (at + 4 > b.length || b[at] !== 0xff) return this.bad();
      const m = b[at + 1]!;
      if (m === 0xda || m === 0xd9) return;
      const end = at + 2 + be(b, at + 2, 2);
      if (end < at + 4 || end > b.length) return this.bad();
      const data = b.subarray(at + 4, end);
      at = end;
      const name = chars(data, 0, 21);
      if (m === 0xe1 && name.startsWith("Exif\0\0")) this.exif(data.subarray(6));
      else if (m === 0xe1 && name === "http://ns.adobe.com/x" && data.includes(60)) this.xml(data.subarray(data.indexOf(60)));
      else if (m === 0xfe) this.add("text", text(data));
    }
  }

  async png(): Promise<void> {
    for (let at = 8; this.part(); ) {
      const b = await this.at(at, 8);
      if (b.length < 8) return this.bad();
      const length = be(b, 0, 4);
      const name = chars(b, 4);
      if (name === "IEND") return;
      if (name === "eXIf") this.exif(await this.at(at + 8, length));
      if (/^[ti]Ex?Xt$/.test(name)) this.#pngText(name, await this.at(at + 8, length));
      at += length + 12;
    }
  }

  #pngText(chunk: string, b: Uint8Array): void {
    let [keyword, value] = zeroCut(b, false);
    if (chunk === "iTXt") {
      if (value.length < 2 || value[0]) return;
      value = value.subarray(2);
      for (let i = 0; i < 2; i++) {
        if (!value.includes(0)) return;
        value = zeroCut(value, false)[1];
      }
    }
    const name = text(keyword);
    if (name === "XML:com.adobe.xmp") this.xml(value);
    else this.note(pngNames.get(name), text(value));
  }

  /** The items that aren't pictures. */
  async heic(): Promise<void> {
    for (let at = 0; this.part(); ) {
      const b = await this.at(at, 8);
      const size = be(b, 0, 4);
      if (b.length < 8 || size < 8) break;
      if (chars(b, 4) === "meta" && size <= block) {
        const meta = readMeta((await this.at(at, size)).slice());
        if (!meta) break;
        for (const e of meta.extents) {
          if (e.what !== "Exif" && e.what !== "XMP") continue;
          const b = await this.at(e.from, e.to - e.from);
          const start = 4 + be(b, 0, 4);
          if (e.what === "XMP") this.xml(b);
          else if (start <= b.length) this.exif(b.subarray(start));
          else this.bad();
        }
        return;
      }
      at += size;
    }
    this.bad();
  }

  exif(b: Uint8Array): void {
    const num = { "MM\0*": be, "II*\0": le }[chars(b, 0, 4)];
    if (!num || b.length < 8) return this.bad();
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
    const side: string[] = [];
    const value = [NaN, NaN, NaN, NaN, NaN];
    const whole = each(num(b, 4, 4), (tag, data, offset) => {
      const s = zeroEnded(data);
      switch (tag) {
        case 0x8769:
          each(offset, (tag, data) => {
            if (tag === 0x9003 || tag === 0x9004) this.when(zeroEnded(data));
            else if (tag === 0x9286 && chars(data, 0, 8) === "ASCII\0\0\0") this.add("text", text(data.subarray(8)));
            else if (tag === 0xa430) this.add("author", zeroEnded(data));
            else if (tag === 0xa431) this.add("device", zeroEnded(data));
          });
          break;
        case 0x8825:
          each(offset, (tag, data) => {
            if (tag === 1 || tag === 3) side[tag] = zeroEnded(data);
            else if ((tag === 2 || tag === 4) && !Number.isNaN(angle(data))) value[tag] = angle(data);
          });
          break;
        case 0x10f:
          this.maker = s;
          break;
        case 0x110:
          this.model = s;
          break;
        case 0x131:
          this.add("program", s);
          break;
        case 0x13c:
          this.add("device", s);
          break;
        case 0x132:
          this.when(s);
          break;
        case 0x13b:
        case 0x8298:
          this.add("author", s);
          break;
        case 0x10e:
          this.add("text", s);
      }
    });
    if (!whole) this.bad();
    this.where(side[1]?.startsWith("S") ? -value[2]! : value[2]!, side[3]?.startsWith("W") ? -value[4]! : value[4]!);
    this.flush();
  }

  // XML, of XMP and of documents: there is no parser in a worker. Each step goes
  // on from where the last one ended, and the first that can't is the end.

  xml(bytes: Uint8Array): void {
    const s = new TextDecoder().decode(bytes).replace(/\0+$/, "");
    const plain = (v: string): string =>
      v.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (_, d, h, name) => {
        if (name) return { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[name as string] ?? "";
        const code = d ? Number(d) : parseInt(h, 16);
        return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
      });
    const place: Record<string, string> = {};
    const found = (what: string | undefined, value: string): void => {
      if (what === "latitude" || what === "longitude") place[what] = value;
      else this.note(what, value);
    };
    const tag = /<(\/?)([^\s<>/="']+)((?:[^"'<>]|"[^"<]*"|'[^'<]*')*)>/y;
    let within = "";
    let what: string | undefined;
    for (let at = 0; at < s.length && this.part(); ) {
      const open = s.indexOf("<", at);
      const skip = (until: string): boolean => {
        const end = s.indexOf(until, open);
        at = end + until.length;
        return end >= 0;
      };
      const chunk = plain(s.slice(at, open < 0 ? s.length : open)).trim();
      if (chunk && what) found(what, chunk);
      if (open < 0) break;
      if (s.startsWith("<!--", open) ? skip("-->") : s.startsWith("<?", open) ? skip("?>") : s.startsWith("<![CDATA[", open) ? skip("]]>") : false) {
        if (what && s.startsWith("<![", open)) found(what, s.slice(open + 9, at - 3).trim());
        continue;
      }
      tag.lastIndex = open;
      const m = tag.exec(s);
      if (!m) {
        this.bad();
        break;
      }
      at = tag.lastIndex;
      const name = m[2]!;
      if (m[1]) {
        if (name === within) within = what = "";
        continue;
      }
      for (const a of m[3]!.matchAll(/([^\s=]{1,64})\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) found(xmlNames.get(a[1]!), plain(a[2] ?? a[3]!));
      if (xmlNames.has(name) && !m[3]!.endsWith("/")) {
        within = name;
        what = xmlNames.get(name);
      }
    }
    const angle = (v = ""): number => {
      const m = /^(\d{1,3})(?:,(\d{1,3}(?:\.\d{1,12})?))?(?:,(\d{1,3}(?:\.\d{1,12})?))?([NSEW])$/.exec(v);
      if (!m) return NaN;
      const d = Number(m[1]) + Number(m[2] ?? 0) / 60 + Number(m[3] ?? 0) / 3600;
      return m[4] === "S" || m[4] === "W" ? -d : d;
    };
    this.where(angle(place["latitude"]), angle(place["longitude"]));
    this.flush();
  }

  // RIFF

  async riff(): Promise<void> {
    const head = await this.at(0, 12);
    if (head.length < 12) return this.bad();
    await this.#chunks(chars(head, 0, 4) === "FORM" ? be : le, 12, this.file.size);
  }

  async #chunks(num: Endian, at: number, end: number): Promise<void> {
    while (at < end && this.part()) {
      const b = await this.at(at, 12);
      if (b.length < 8) return;
      const name = chars(b, 0, 4);
      const length = num(b, 4, 4);
      const all = (): Promise<Uint8Array> => this.at(at + 8, length);
      if (name === "LIST") {
        if (/^(INFO|hdrl)$/.test(chars(b, 8))) await this.#chunks(num, at + 12, Math.min(end, at + 8 + length));
      } else if (name === "EXIF") {
        const e = await all();
        this.exif(chars(e, 0, 6) === "Exif\0\0" && e.length > 6 ? e.subarray(6) : e);
      } else if (name === "XMP " || name === "_PMX") {
        this.xml(await all());
      } else if (name === "bext") {
        const e = await all();
        if (e.length >= 338) {
          this.add("text", zeroEnded(e.subarray(0, 256)));
          this.add("author", zeroEnded(e.subarray(256, 288)));
          this.when(chars(e, 320, 338));
        }
      } else if (name === "id3 " || name === "ID3 ") {
        await this.id3(at + 8);
      } else if (chunkNames.has(name)) {
        this.note(chunkNames.get(name), zeroEnded(await all()));
      }
      at += 8 + length + (length & 1);
    }
  }

  // Sound and video

  async media(head: string): Promise<void> {
    if (/^(RIFF|FORM)/.test(head)) return this.riff();
    if (head.startsWith("OggS")) return this.ogg(await this.at(0, 64 << 10));
    if (head.startsWith("fLaC")) return this.flac(4);
    if (head.startsWith("\x1aE")) return this.matroska();
    if (/^....(ftyp|moov|mdat|wide)/s.test(head)) return this.film();
    if (head.startsWith("ID3")) {
      const end = await this.id3(0);
      if (chars(await this.at(end, 4)) === "fLaC") await this.flac(end + 4);
    }
    const b = await this.at(this.file.size - 128, 128);
    if (b.length === 128 && chars(b, 0, 3) === "TAG") {
      this.add("title", zeroEnded(b.subarray(3, 33)));
      this.add("author", zeroEnded(b.subarray(33, 63)));
      this.when(chars(b, 93, 97));
      this.add("text", zeroEnded(b.subarray(97, 125)));
    }
  }

  /** Looks through a tag, and returns where it ends. */
  async id3(at: number): Promise<number> {
    const sevenBits = (b: Uint8Array, at: number): number => (b[at]! & 127) * 2 ** 21 + ((b[at + 1]! & 127) << 14) + ((b[at + 2]! & 127) << 7) + (b[at + 3]! & 127);
    const b = await this.at(at, 10);
    const version = b[3]!;
    if (b.length < 10 || chars(b, 0, 3) !== "ID3" || version < 2 || version > 4) {
      this.bad();
      return at;
    }
    const end = at + 10 + sevenBits(b, 6);
    if (b[5]! & 0xc0) {
      this.bad();
      return end;
    }
    const header = version === 2 ? 6 : 10;
    for (at += 10; at + header <= end && this.part(); ) {
      const h = await this.at(at, header);
      if (h.length < header || !h[0]) break;
      const length = version === 2 ? be(h, 3, 3) : version === 3 ? be(h, 4, 4) : sevenBits(h, 4);
      const what = id3Names.get(chars(h, 0, version === 2 ? 3 : 4));
      if (what && length > 1 && (version === 2 || !h[9])) this.#id3Text(what, await this.at(at + header, Math.min(length, 4 << 10)));
      at += header + length;
    }
    return end;
  }

  #id3Text(what: string, all: Uint8Array): void {
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
    this.note(what, coding === 2 ? utf16(b, true) : coding === 0 ? latin(b) : text(b));
  }

  async flac(at: number): Promise<void> {
    while (this.part()) {
      const b = await this.at(at, 4);
      if (b.length < 4) return this.bad();
      const length = be(b, 1, 3);
      if ((b[0]! & 127) === 4) this.comments(await this.at(at + 4, length));
      if (b[0]! & 128) return;
      at += 4 + length;
    }
  }

  ogg(b: Uint8Array): void {
    let joined = "";
    while (b.length >= 27 && chars(b, 0, 4) === "OggS") {
      const n = 27 + b[26]!;
      if (n > b.length) break;
      const size = b.subarray(27, n).reduce((a, v) => a + v, n);
      for (let i = n; i < size && i < b.length; i++) joined += String.fromCharCode(b[i]!);
      b = b.subarray(size);
    }
    for (const magic of ["\x03vorbis", "OpusTags", "\x81theora"]) {
      const i = joined.indexOf(magic);
      if (i >= 0) return this.comments(Uint8Array.from(joined.slice(i + magic.length), (c) => c.charCodeAt(0)));
    }
    this.bad();
  }

  /** Those of Vorbis, which FLAC and Opus have too. */
  comments(b: Uint8Array): void {
    const next = (): string | undefined => {
      const n = le(b, 0, 4);
      if (!(n <= b.length - 4)) return;
      const s = text(b.subarray(4, 4 + n));
      b = b.subarray(4 + n);
      return s;
    };
    const vendor = next();
    if (vendor === undefined || b.length < 4) return this.bad();
    this.add("program", vendor);
    let count = le(b, 0, 4);
    for (b = b.subarray(4); count > 0 && this.part(); count--) {
      const s = next();
      if (s === undefined) return this.bad();
      const [key] = s.split("=", 1);
      this.note(commentNames.get(key!.toUpperCase()), s.slice(key!.length + 1));
    }
  }

  async film(): Promise<void> {
    await this.#boxes(0, this.file.size, "");
    if (!this.keys) this.bad();
    this.flush();
  }

  async #boxes(at: number, end: number, of: string): Promise<void> {
    while (at < end && this.part()) {
      const b = await this.at(at, 16);
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
      if (size < header || size > end - at) return this.bad();
      await this.#box(chars(b, 4, 8), of, at + header, at + size);
      at += size;
    }
  }

  async #box(name: string, of: string, at: number, end: number): Promise<void> {
    const all = (): Promise<Uint8Array> => this.at(at, end - at);
    switch (`${of}/${name}`) {
      case "/moov":
        this.keys ??= [];
        return this.#boxes(at, end, name);
      case "moov/udta":
      case "meta/ilst":
        return this.#boxes(at, end, name);
      case "moov/meta":
      case "udta/meta":
      case "/meta": {
        const b = await this.at(at, 8);
        return this.#boxes(b.length === 8 && chars(b, 4) !== "hdlr" ? at + 4 : at, end, "meta");
      }
      case "moov/mvhd": {
        const b = await all();
        const since1904 = 2082844800;
        if (b.length >= 12 && b[0] === 1) this.whenUnix(be(b, 4, 8) - since1904);
        else if (b.length >= 8) this.whenUnix(be(b, 4, 4) - since1904);
        return;
      }
      case "meta/keys": {
        let b = (await all()).subarray(8);
        while (b.length >= 8 && this.part()) {
          const n = be(b, 0, 4);
          if (n < 8 || n > b.length) break;
          this.keys?.push(text(b.subarray(8, n)));
          b = b.subarray(n);
        }
        return;
      }
      case "/uuid":
        if (chars(await this.at(at, 16)) === "\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac") this.xml(await this.at(at + 16, end - at - 16));
        return;
    }
    const b = of === "ilst" || of === "udta" ? await all() : undefined;
    if (!b) return;
    let what = boxNames.get(name);
    if (of === "ilst") {
      const key = this.keys?.[be(Uint8Array.from(name, (c) => c.charCodeAt(0)), 0, 4) - 1];
      if (key !== undefined) what = keyNames.get(key);
      const size = be(b, 0, 4);
      if (b.length >= 16 && chars(b, 4, 8) === "data" && size >= 16 && size <= b.length) this.#boxText(what, b.subarray(16, size), b[11] === 2);
    } else if (name === "loci") {
      const [lang, rest] = zeroCut(b.subarray(6), false);
      const fixed = (at: number): number => (be(rest, at, 4) | 0) / 65536;
      if (b.length >= 6 && rest.length >= 9 && lang.length < b.length) this.where(fixed(5), fixed(1));
    } else if (what && name.startsWith("©") && b.length >= 4) {
      this.#boxText(what, b.subarray(4, 4 + be(b, 0, 2)), false);
    } else if (what && b.length > 6) {
      this.#boxText(what, b.subarray(6), false);
    }
  }

  #boxText(what: string | undefined, b: Uint8Array, wide: boolean): void {
    this.note(what, wide ? utf16(b, true) : b.length > 1 && b[0] === 0xfe ? text(b) : zeroEnded(b));
  }

  async matroska(): Promise<void> {
    let found = false;
    const number = (b: Uint8Array, id: boolean): [value: number, length: number] => {
      if (!b[0]) return [0, 0];
      const n = Math.clz32(b[0]) - 23;
      if (n > b.length || (id && n > 4)) return [0, 0];
      if (id) return [be(b, 0, n), n];
      const mask = 2 ** (8 - n) - 1;
      const ones = (b[0] & mask) === mask && b.subarray(1, n).every((c) => c === 255);
      return [ones ? -1 : (b[0] & mask) * 2 ** (8 * n - 8) + be(b, 1, n - 1), n];
    };
    const walk = async (at: number, end: number): Promise<void> => {
      while (at < end && this.part()) {
        const b = await this.at(at, 12);
        const [id, n] = number(b, true);
        let [size, m] = number(b.subarray(n), false);
        if (!n || !m || (size < 0 && id !== 0x18538067)) break; // up to the end of what isn't known
        at += n + m;
        if (size < 0 || size > end - at) size = end - at;
        const data = (): Promise<Uint8Array> => this.at(at, Math.min(size, 4 << 10));
        if (id === 0x18538067) await walk(at, at + size);
        else if (id === 0x1549a966) {
          found = true;
          await walk(at, at + size);
        } else if (id === 0x7ba9) this.add("title", zeroEnded(await data()));
        else if (id === 0x4d80 || id === 0x5741) this.add("program", zeroEnded(await data()));
        else if (id === 0x4461) {
          const b = await data();
          const since2001 = 978307200;
          if (b.length === 8) this.whenUnix(Math.trunc((be(b, 0, 8) - (b[0]! > 127 ? 2 ** 64 : 0)) / 1e9) + since2001);
        }
        at += size;
      }
    };
    await walk(0, this.file.size);
    if (!found) this.bad();
  }

  // Documents

  async #windows(work: (at: number, b: Uint8Array, s: string) => Promise<void> | void): Promise<void> {
    const half = mostRead / 4;
    const size = this.file.size;
    for (let at = 0; at < size; at += block - (16 << 10)) {
      if (size > 2 * half && at >= half && at < size - half) {
        at = size - half;
        this.add("partly");
      }
      const b = await this.at(at, block);
      await work(at, b, raw(b));
      if (at + block >= size) return;
    }
  }

  async pdf(): Promise<void> {
    const texts: [string, string][] = [];
    let encrypted = false;
    await this.#windows(async (at, b, s) => {
      for (const i of each(s, "/Encrypt")) encrypted ||= /^\s{0,4}\d{1,9}\s{1,4}\d{1,5}\s{1,4}R/.test(s.slice(i + 8, i + 64));
      this.#pdfInfo(b, s, texts);
      const end = "</x:xmpmeta>";
      for (const i of each(s, "<x:xmpmeta")) {
        const n = s.indexOf(end, i);
        if (n < 0) break;
        this.xml(b.subarray(i, n + end.length));
      }
      for (const i of each(s, "/ObjStm")) {
        const from = Math.max(0, s.lastIndexOf("obj", i - 3));
        let j = s.indexOf("stream", from);
        if (j < 0 || j - from > 1 << 10 || !this.part()) continue;
        const dict = s.slice(from, j);
        const length = /\/Length\s{0,4}(\d{1,9})\s{0,4}(?:[^\d\s]|$)/.exec(dict)?.[1];
        if (!length || !dict.includes("/FlateDecode")) {
          this.bad();
          continue;
        }
        j += s.startsWith("\r\n", j + 6) ? 8 : 7;
        const inside = await this.inflate("deflate", await this.at(at + j, Number(length)), block);
        this.#pdfInfo(inside, raw(inside), texts);
      }
    });
    if (encrypted) return this.bad();
    for (const [what, value] of texts) this.note(what, value);
  }

  #pdfInfo(b: Uint8Array, s: string, texts: [string, string][]): void {
    const longest = 16 << 10;
    for (const key of ["/Producer", "/Creator", "/Author", "/CreationDate", "/ModDate"]) {
      for (const i of each(s, key)) {
        const at = s.lastIndexOf("<<", i - 2);
        if (at < 0 || at < i - longest || !this.part()) continue;
        dictionary(b.subarray(at + 2, at + 2 + longest), (name, value) => {
          const what = infoNames.get(name);
          if (what) texts.push([what, text(value)]);
        });
      }
    }
  }

  /** What comes of inflating, up to a limit. */
  async inflate(format: CompressionFormat, b: Uint8Array, limit: number): Promise<Uint8Array> {
    this.inflated -= limit;
    if (this.inflated < 0) {
      this.add("partly");
      return new Uint8Array();
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
      this.bad();
      return new Uint8Array();
    }
    return out.subarray(0, n);
  }

  async zip(): Promise<void> {
    const tail = 22 + (1 << 16);
    const b = await this.at(Math.max(0, this.file.size - tail), tail);
    const i = raw(b).lastIndexOf("PK\x05\x06");
    if (i < 0 || b.length - i < 22) return this.bad();
    let at = le(b, i + 16, 4);
    let photos = 16;
    for (let n = le(b, i + 10, 2); n > 0 && this.part(); n--) {
      const e = await this.at(at, 46);
      if (e.length < 46 || chars(e, 0, 4) !== "PK\x01\x02") return this.bad();
      const length = le(e, 28, 2);
      const name = text(await this.at(at + 46, length));
      at += 46 + length + le(e, 30, 2) + le(e, 32, 2);
      const entry = (limit: number): Promise<Uint8Array> => this.#entry(le(e, 10, 2), le(e, 42, 4), le(e, 20, 4), limit);
      if (/^(docProps\/(core|app)\.xml|meta\.xml|word\/(comments|people)\.xml|xl\/persons\/person\.xml)$/.test(name)) {
        this.xml(await entry(block));
      } else if (/(\/media\/|^Pictures\/).*\.jpe?g$/s.test(name) && photos-- > 0) {
        const photo = await entry(128 << 10);
        if (photo.length > 2) this.jpeg(photo);
      }
    }
  }

  /** The beginning of a file in an archive. */
  async #entry(method: number, local: number, packed: number, limit: number): Promise<Uint8Array> {
    const h = await this.at(local, 30);
    if (h.length === 30 && chars(h, 0, 4) === "PK\x03\x04" && !(h[6]! & 1)) {
      const b = await this.at(local + 30 + le(h, 26, 2) + le(h, 28, 2), Math.min(packed, 2 * limit));
      if (method === 0) return b.subarray(0, limit);
      if (method === 8) return this.inflate("deflate-raw", b, limit);
    }
    this.bad();
    return new Uint8Array();
  }

  rtf(s: string): void {
    for (const m of s.matchAll(/\{\\(author|operator|manager|company|title|doccomm) ([^{}\\]{1,200})|\{\\(?:creatim|revtim)\\yr(\d{4})\\mo(\d{1,2})\\dy(\d{1,2})/g)) {
      if (m[1]) this.note(rtfNames.get(m[1]), windows(m[2]!));
      else this.when(`${m[3]}-${m[4]!.padStart(2, "0")}-${m[5]!.padStart(2, "0")}`);
    }
  }

  async ole(): Promise<void> {
    let found = false;
    await this.#windows((_, b, s) => {
      for (const [id, whats] of oleNames) {
        for (const i of each(s, id)) {
          if (i < 28 || i + 20 > b.length || le(b, i - 28, 2) !== 0xfffe || !this.part()) continue;
          const set = b.subarray(i - 28, i - 28 + (4 << 10));
          const at = le(set, 44, 4);
          if (at < 48 || at > set.length - 8) continue;
          found = true;
          this.#properties(set.subarray(at), whats);
        }
      }
    });
    if (!found) this.bad();
  }

  #properties(b: Uint8Array, whats: Record<number, string>): void {
    let codepage = 1252;
    let e = 8;
    for (let n = le(b, 4, 4); n > 0 && e + 8 <= b.length && this.part(); n--, e += 8) {
      const id = le(b, e, 4);
      const at = le(b, e + 4, 4);
      if (at + 8 > b.length) return this.bad();
      const kind = le(b, at, 4);
      const what = whats[id];
      if (id === 1 && kind === 2) {
        codepage = le(b, at + 4, 2);
      } else if (what === "time" && kind === 64 && at + 12 <= b.length) {
        const since1601 = 11644473600;
        this.whenUnix(Math.floor(le(b, at + 4, 8) / 1e7) - since1601);
      } else if (kind === 30 || kind === 31) {
        const size = le(b, at + 4, 4) * (kind - 29);
        if (size > b.length - at - 8) return this.bad();
        const value = b.subarray(at + 8, at + 8 + size);
        if (kind === 31 || codepage === 1200) this.note(what, utf16(zeroCut(value, true)[0], false));
        else this.note(what, codepage === 65001 ? zeroEnded(value) : latin(upTo(value)));
      }
    }
  }
}

// The identifiers of the two sets of properties of a document of Office before
// 2007.
const oleNames: [string, Record<number, string>][] = [
  [[0xe0, 0x85, 0x9f, 0xf2, 0xf9, 0x4f, 0x68, 0x10, 0xab, 0x91, 8, 0, 0x2b, 0x27, 0xb3, 0xd9], { 2: "title", 4: "author", 6: "text", 8: "author", 11: "time", 12: "time", 13: "time", 18: "program" }],
  [[0x02, 0xd5, 0xcd, 0xd5, 0x9c, 0x2e, 0x1b, 0x10, 0x93, 0x97, 8, 0, 0x2b, 0x2c, 0xf9, 0xae], { 14: "author", 15: "company" }],
].map(([id, whats]) => [raw(Uint8Array.from(id as number[])), whats as Record<number, string>]);

/** Where a text has another. */
function* each(s: string, part: string): Generator<number, void, undefined> {
  for (let i = s.indexOf(part); i >= 0; i = s.indexOf(part, i + 1)) yield i;
}

/** The strings of a dictionary of PDF, up to where it can't be followed. */
function dictionary(b: Uint8Array, found: (name: string, value: Uint8Array) => void): void {
  const special = new Set(Array.from(" \t\r\n\f\0()<>[]{}/%", (c) => c.charCodeAt(0)));
  let at = 0;
  const token = (): string => {
    const from = at;
    while (at < b.length && !special.has(b[at]!)) at++;
    return chars(b, from, at);
  };
  let name = "";
  while (at < b.length) {
    const c = String.fromCharCode(b[at]!);
    if (" \t\r\n\f\0[]".includes(c)) {
      at++;
    } else if (c === "/") {
      at++;
      name = token();
    } else if (c === "(") {
      const value: number[] = [];
      at = literal(b, at, value);
      if (!at) return;
      found(name, Uint8Array.from(value));
    } else if (c === "<" && at + 1 < b.length && b[at + 1] !== 60) {
      const end = b.indexOf(62, at);
      if (end < 0) return;
      const digits = chars(b, at + 1, end).replace(/[^\da-f]/gi, "");
      found(name, Uint8Array.from(digits.match(/../g) ?? [], (d) => parseInt(d, 16)));
      at = end + 1;
    } else if (!token()) {
      return;
    }
  }
}

/** Reads a string in parentheses, and returns where it ends: 0 if it doesn't. */
function literal(b: Uint8Array, at: number, value: number[]): number {
  let depth = 0;
  while (at < b.length) {
    let c = b[at++]!;
    if (c === 40) {
      if (++depth === 1) continue;
    } else if (c === 41) {
      if (--depth === 0) return at;
    } else if (c === 92) {
      if (at === b.length) return 0;
      c = b[at++]!;
      const i = "nrtbf".indexOf(String.fromCharCode(c));
      if (i >= 0) {
        c = "\n\r\t\b\f".charCodeAt(i);
      } else if (c >= 48 && c <= 55) {
        let v = c - 48;
        for (let k = 0; k < 2 && b[at]! >= 48 && b[at]! <= 55; k++) v = v * 8 + b[at++]! - 48;
        c = v & 255;
      } else if (c === 13 || c === 10) {
        continue;
      }
    }
    value.push(c);
  }
  return 0;
}
