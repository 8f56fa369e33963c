// The meta of HEIC and AVIF, as internal/metadata/heic.go reads it.

import { be, chars, fromChars } from "./bytes.js";

/** A part of the file that belongs to an item: "" of a picture, "Exif", "XMP", or "?" of what is zeroed. */
export interface Extent {
  from: number;
  to: number;
  what: string;
}

// Items, properties and parts of a meta that belong to pictures.
const known = /^(hvc1|hev1|av01|jpeg|grid|iovl|iden|tmap|hvcC|av1C|ispe|pixi|colr|clap|irot|imir|pasp|auxC|lsel|a1op|a1lx|clli|mdcv|cclv|amve|hdlr|dinf|pitm|iinf|iloc|iref|iprp|idat|grpl|ipco|ipma)$/;
const told = /^(udes|altt|crtt|mdft|itai|taic)$/;
export const fillers = /^(free|skip|wide)$/;
export const others = /^(uuid|xml |bxml|mpvd|sefd)$/;

/** Reads a meta and empties in it what only tells something; nothing if it can't be followed. */
export function readMeta(meta: Uint8Array): { extents: Extent[]; unsure: boolean } | undefined {
  let unsure = false;
  let iloc: Uint8Array | undefined;
  const kinds = new Map<number, string>();
  const extents: Extent[] = [];

  type Do = (name: string, at: number, end: number) => boolean;
  const boxes = (at: number, end: number, work: Do): boolean => {
    while (at < end) {
      const size = be(meta, at, 4);
      if (end - at < 8 || size < 8 || size > end - at) return false;
      const name = chars(meta, at + 4, at + 8);
      if (!work(name, at + 8, at + size)) return false;
      const tells = others.test(name) || told.test(name);
      if (tells) meta.set(fromChars("free"), at + 4);
      if (tells || fillers.test(name)) meta.fill(0, at + 8, at + size);
      at += size;
    }
    return true;
  };

  const item: Do = (name, at, end) => {
    const b = meta.subarray(at, end);
    const long = b[0] === 3 ? 4 : 2;
    if (name !== "infe" || b.length < 12 || (b[0] !== 2 && b[0] !== 3)) return false;
    const rest = b.subarray(4 + long);
    if (rest.length < 6 || rest[0]! | rest[1]!) return false;
    const kind = chars(rest, 2, 6);
    const xmp = kind === "mime" && chars(rest).includes("\0application/rdf+xml\0");
    const tells = /^(Exif|mime|uri )$/.test(kind);
    if (!tells && !known.test(kind)) unsure = true;
    kinds.set(be(b, 4, long), !tells ? "" : xmp ? "XMP" : kind === "Exif" ? kind : "?");
    return true;
  };

  const places = (b: Uint8Array): boolean => {
    const version = b[0]!;
    let at = 6;
    if (b.length < 8 || version > 2) return false;
    const number = (n: number): number => be(b, (at += n) - n, n);
    const long = version === 2 ? 4 : 2;
    for (let items = number(long); items > 0 && at <= b.length; items--) {
      const what = kinds.get(number(long));
      if (what === undefined) unsure = true;
      const method = version ? number(2) : 0;
      if (number(2) !== 0 || method > 1 || (method && what)) return false;
      const base = number(b[5]! >> 4);
      for (let n = number(2); n > 0 && at <= b.length; n--) {
        if (version) number(b[5]! & 15);
        const offset = number(b[4]! >> 4);
        const size = number(b[4]! & 15);
        if (!(size > 0 && Math.max(base, offset, size) <= 2 ** 50)) return false;
        if (!method) extents.push({ from: base + offset, to: base + offset + size, what: what ?? "" });
      }
    }
    return at <= b.length;
  };

  const whole =
    meta.length >= 12 &&
    boxes(12, meta.length, (name, at, end) => {
      if (name === "iinf") {
        const header = meta[at]! > 0 ? 8 : 6;
        return end - at >= header && boxes(at + header, end, item);
      }
      if (name === "iloc") iloc = meta.subarray(at, end);
      else if (name === "iprp") {
        return boxes(at, end, (name, at, end) =>
          name !== "ipco" ||
          boxes(at, end, (name) => {
            unsure ||= ![known, told, fillers].some((r) => r.test(name));
            return true;
          }),
        );
      } else unsure ||= ![known, fillers, others].some((r) => r.test(name));
      return true;
    });
  return whole && iloc && places(iloc) ? { extents, unsure } : undefined;
}
