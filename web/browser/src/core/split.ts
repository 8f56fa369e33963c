// The key of a case, and how it is split between its readers and key witnesses.
// The twin of crypto/seal's split.go, which says why it holds.

import { digestOf, random, toBase64, toHex, utf8 } from "./bytes.js";
import type { FormKeys } from "./form.js";
import { identityOf, recipientOf, sealBytes } from "./seal.js";

export interface CaseKey {
  recipient: string; // of the case
  list: string; // recipient of what its list shows
  split: boolean;
  wrapped: string; // what each reader gets
  whole: string; // what the recovery sheet gets
}

/** What a form's case is sealed to: split where there are key witnesses, of whom as many as needed open it. */
export async function caseKey(keys: FormKeys, need: number, witnesses: { id: string; recipient: string }[]): Promise<CaseKey> {
  const { key, list } = keys;
  const identity = identityOf(key);
  const recipient = await recipientOf(identity);
  const n = witnesses.length;
  if (n === 0) return { recipient, list: recipient, split: false, wrapped: identity + "\n", whole: identity + "\n" };
  // A piece for each choice of need - 1 witnesses, who don't have it: bits, the first witness the highest.
  const choices = [...Array(1 << n).keys()].reverse().filter((c) => c.toString(2).replaceAll("0", "").length === need - 1);
  const pieces = choices.map(() => random(32));
  pieces[0] = key.map((b, i) => pieces.slice(1).reduce((x, p) => x ^ p[i]!, b ^ list[i]!));
  let text = `# suluh.example/split/v1 ${need} ${digestOf(utf8(recipient))}\n`;
  for (const [w, { id, recipient }] of witnesses.entries()) {
    const held = pieces.map((p, i) => ((choices[i]! >> (n - 1 - w)) & 1 ? "" : `piece ${i} ${toHex(p)}\n`));
    const share = `suluh.example/share/v1\nhandle ${digestOf(utf8("suluh.example/handle/v1\n" + keys.case))}\n${held.join("")}`;
    text += `# share ${id} ${toBase64(await sealBytes(utf8(share), recipient))}\n`;
  }
  const open = identityOf(list);
  text += open + "\n";
  return { recipient, list: await recipientOf(open), split: true, wrapped: text, whole: text + identity + "\n" };
}
