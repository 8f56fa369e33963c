// What both halves of this folder read files with.

export const none: Uint8Array = new Uint8Array();

/** A number of n bytes, most significant first; NaN if they aren't all there. */
export function be(b: Uint8Array, at: number, n: number): number {
  let v = 0;
  for (let i = 0; i < n; i++) v = v * 256 + (b[at + i] ?? NaN);
  return v;
}

/** The same, least significant first. */
export function le(b: Uint8Array, at: number, n: number): number {
  let v = 0;
  for (let i = n; i-- > 0; ) v = v * 256 + (b[at + i] ?? NaN);
  return v;
}

/** Bytes as characters of the same numbers: for short names. */
export const chars = (b: Uint8Array, from = 0, to = b.length): string => String.fromCharCode(...b.subarray(from, to));

export const fromChars = (s: string): Uint8Array => Uint8Array.from(s, (c) => c.charCodeAt(0));

/** Part of a file. Its errors are the file's own. */
export async function read(file: Blob, at: number, n: number): Promise<Uint8Array> {
  return new Uint8Array(await file.slice(at, at + n).arrayBuffer());
}
