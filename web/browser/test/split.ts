// Splits keys as the browser does, for a test in Go that opens them.

import { fromHex, toBase64, utf8 } from "../src/core/bytes.js";
import { Code } from "../src/core/casecode.js";
import { sealBytes } from "../src/core/seal.js";
import { caseKey } from "../src/core/split.js";

interface Asked {
  case: string;
  key: string; // seed, hex
  list: string;
  need: number;
  witnesses: { id: string; recipient: string }[];
  reader: string; // recipient of the wraps
}

export async function made(asked: Asked[]) {
  const code = Code.from(new Uint8Array(13));
  return Promise.all(
    asked.map(async (x) => {
      const keys = { code, case: x.case, key: fromHex(x.key), list: fromHex(x.list), tag: new Uint8Array() };
      const k = await caseKey(keys, x.need, x.witnesses);
      const sealed = async (text: string) => toBase64(await sealBytes(utf8(text), x.reader));
      return { recipient: k.recipient, list: k.list, wrap: await sealed(k.wrapped), sheet: await sealed(k.whole) };
    }),
  );
}
