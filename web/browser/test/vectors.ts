// The vectors that Go's tests run too, for node and browsers. A check that fails
// is a line of what run returns.

import { ed25519 } from "@noble/curves/ed25519.js";
import { digestOf, fromBase64, fromHex, toBase64, toHex, utf8 } from "../src/core/bytes.js";
import { Code } from "../src/core/casecode.js";
import { formKeys } from "../src/core/form.js";

type Vector = Record<string, string>;

export interface Vectors {
  casecode: Vector[];
  form: Vector[];
}

export async function run(v: Vectors): Promise<{ checks: number; failures: string[] }> {
  const failures: string[] = [];
  let checks = 0;
  const same = (what: string, got: unknown, want: unknown) => {
    checks++;
    if (JSON.stringify(got) !== JSON.stringify(want)) failures.push(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  };

  for (const c of v.casecode) {
    const code = Code.from(fromHex(c.entropy!));
    same("words", code.words.join(" "), c.words);
    same("lookup", code.lookup, c.lookup);
    same("lookup hash", digestOf(Uint8Array.of(...utf8("suluh lookup\n"), ...fromHex(code.lookup))), c["lookup hash"]);
    same("identity", code.identity, c.identity);
    same("mac", toHex(code.mac), c.mac);
    same("reporter", code.reporter, c.reporter);
    same("destroy", code.sign(c.destroy!), c["destroy signature"]);
    same("destroy verifies", ed25519.verify(fromBase64(c["destroy signature"]!), utf8(c.destroy!), fromBase64(code.reporter)), true);
  }
  for (const f of v.form) {
    const k = formKeys(fromHex(f.seed!), { unit: f.unit!, without: f.without!.split(" ").filter(Boolean).reverse() });
    same("form code", k.code.words.join(" "), f.code);
    same("form case", k.case, f.case);
    same("form key", k.identity, f.key);
    same("form tag", toHex(k.tag), f.tag);
  }
  same("base64", toBase64(Uint8Array.of(255)), "/w==");
  return { checks, failures };
}
