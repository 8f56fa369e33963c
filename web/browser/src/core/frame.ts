// The stream of vault/frame: a head, objects, a commit.

import { type Bytes, concat, text, utf8 } from "./bytes.js";
import { record, type SealedObject } from "./seal.js";

const mostData = 128 << 10;
const mostJSON = 1 << 20;

function frame(kind: string, payload: Uint8Array): Bytes {
  const header = new Uint8Array(5);
  header[0] = kind.charCodeAt(0);
  new DataView(header.buffer).setUint32(1, payload.length);
  return concat(header, payload);
}

const jsonFrame = (kind: string, v: unknown): Bytes => frame(kind, utf8(JSON.stringify(v)));

/** A whole stream. */
export function encodeStream(head: unknown, objects: { object: SealedObject; bytes: Uint8Array }[], commit: unknown): Bytes {
  const parts = [jsonFrame("H", head)];
  for (const { object, bytes } of objects) {
    parts.push(jsonFrame("O", object));
    for (let at = 0; at < bytes.length; at += mostData) parts.push(frame("D", bytes.subarray(at, at + mostData)));
    parts.push(frame("E", new Uint8Array(0)));
  }
  parts.push(jsonFrame("C", commit));
  return concat(...parts);
}

export interface Stream {
  head: Record<string, unknown>;
  objects: { object: Record<string, unknown>; bytes: Bytes }[];
}

/** Reads a whole stream; one without its commit is broken. */
export function decodeStream(b: Uint8Array): Stream {
  let at = 0;
  const next = (): { kind: string; payload: Uint8Array } => {
    if (b.length - at < 5) throw new Error("broken stream");
    const kind = String.fromCharCode(b[at]!);
    const length = new DataView(b.buffer, b.byteOffset + at + 1, 4).getUint32(0);
    at += 5;
    if (length > (kind === "D" ? mostData : kind === "E" ? 0 : mostJSON) || length > b.length - at) throw new Error("broken stream");
    at += length;
    return { kind, payload: b.subarray(at - length, at) };
  };
  const decode = (payload: Uint8Array) => record(JSON.parse(text(payload)));
  const first = next();
  if (first.kind !== "H") throw new Error("broken stream");
  const s: Stream = { head: decode(first.payload), objects: [] };
  for (;;) {
    const f = next();
    if (f.kind === "C") return s;
    if (f.kind !== "O") throw new Error("broken stream");
    const parts: Uint8Array[] = [];
    let d = next();
    for (; d.kind === "D"; d = next()) parts.push(d.payload);
    if (d.kind !== "E") throw new Error("broken stream");
    s.objects.push({ object: decode(f.payload), bytes: concat(...parts) });
  }
}
