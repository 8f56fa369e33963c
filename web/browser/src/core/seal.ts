// Objects: what is sealed is one age file, its plaintext padded. The twin of
// crypto/seal.

import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";
import { bech32 } from "@scure/base";
import { type Bytes, digestOf, json, text, utf8 } from "./bytes.js";

export const floors = { summary: 1 << 10, document: 4 << 10, content: 16 << 10 };

const mostDocument = 16 << 20; // bytes of one that is opened

export type Role = "letter" | "content" | "summary" | "card" | "answer" | "note" | "state" | "wrap";

export interface SealedObject {
  role: Role;
  digest: string;
  size: number;
}

export interface Sealed {
  object: SealedObject;
  bytes: Bytes;
}

/** The PADMÉ length of n bytes, at least the floor. */
export function padded(n: number, floor: number): number {
  if (n <= floor) return floor;
  let e = 0; // floor of log2 n
  while (2 ** (e + 1) <= n) e++;
  const s = 32 - Math.clz32(e); // bits that e itself needs
  const step = 2 ** (e - s);
  return Math.ceil(n / step) * step;
}

/** The age identity of 32 secret bytes. */
export const identityOf = (seed: Uint8Array): string => bech32.encodeFromBytes("age-secret-key-pq-", seed).toUpperCase();

export const recipientOf = (identity: string): Promise<string> => identityToRecipient(identity);

/** Whether a recipient is of the one kind that is sealed to here. */
export const isRecipient = (s: string): boolean => {
  try {
    new Encrypter().addRecipient(s);
    return s.startsWith("age1pq1");
  } catch {
    return false;
  }
};

export function encrypterTo(recipient: string): Encrypter {
  if (!recipient.startsWith("age1pq1")) throw new Error("recipient is not post-quantum");
  const e = new Encrypter();
  e.addRecipient(recipient);
  return e;
}

export const sealBytes = async (plain: Uint8Array, recipient: string): Promise<Bytes> =>
  (await encrypterTo(recipient).encrypt(plain)) as Bytes;

async function openBytes(sealed: Uint8Array, identity: string): Promise<Bytes> {
  if (sealed.length > 2 * mostDocument) throw new Error("object is too large");
  const d = new Decrypter();
  d.addIdentity(identity);
  return (await d.decrypt(sealed)) as Bytes;
}

/** Seals a document: JSON, padded with spaces. */
export async function sealDocument(role: Role, document: unknown, floor: number, recipient: string): Promise<Sealed> {
  const plain = utf8(json(document));
  const whole = new Uint8Array(padded(plain.length, floor)).fill(0x20);
  whole.set(plain);
  const bytes = await sealBytes(whole, recipient);
  return { object: { role, digest: digestOf(bytes), size: bytes.length }, bytes };
}

/** Opens a document. Whoever reads it checks its fields. */
export async function openDocument(sealed: Uint8Array, identity: string): Promise<Record<string, unknown>> {
  const plain = await openBytes(sealed, identity);
  if (plain.length > mostDocument) throw new Error("document is too large");
  return record(JSON.parse(text(plain)));
}

/** Accepts a JSON object. */
export function record(v: unknown): Record<string, unknown> {
  if (typeof v !== "object" || v === null || Array.isArray(v)) throw new Error("not a JSON object");
  return v as Record<string, unknown>;
}
