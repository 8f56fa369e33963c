// The case card, by which the reporter's side notices a swapped key or report.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, fromBase64, json, toBase64, utf8 } from "./bytes.js";
import { floors, openDocument, record, type Sealed, sealDocument, type SealedObject } from "./seal.js";

export interface Card {
  case: string;
  unit: string;
  recipient: string; // of the case
  day: string;
  objects: SealedObject[]; // deposited with this card, without the card itself
  wraps: string; // root of the commitment to the readers, base64; "" for a message
  letter: boolean; // a message, not the form
  files: number;
}

export const cardMAC = (text: string, key: Uint8Array): Uint8Array => hmac(sha256, key, concat(utf8("suluh.example/card/v1\n"), utf8(text)));

export function sealCard(c: Card, reporter: string, key: Uint8Array): Promise<Sealed> {
  const { case: name, unit, recipient, day, objects, wraps, letter, files } = c;
  const text = json({ v: 1, case: name, unit, recipient, day, objects, wraps, letter, files });
  return sealDocument("card", { card: text, mac: toBase64(cardMAC(text, key)) }, floors.document, reporter);
}

export async function openCard(sealed: Uint8Array, identity: string, key: Uint8Array): Promise<Card> {
  const doc = await openDocument(sealed, identity);
  if (typeof doc.card !== "string" || typeof doc.mac !== "string") throw new Error("not a card");
  if (!constantEqual(fromBase64(doc.mac), cardMAC(doc.card, key))) throw new Error("card was not made with this case code");
  const c = record(JSON.parse(doc.card));
  if (c.v !== 1 || !Array.isArray(c.objects)) throw new Error("not a card");
  return c as unknown as Card; // whoever has the code wrote it
}

function constantEqual(a: Uint8Array, b: Uint8Array): boolean {
  let diff = a.length ^ b.length;
  for (let i = 0; i < b.length; i++) diff |= (a[i] ?? 0) ^ b[i]!;
  return diff === 0;
}
