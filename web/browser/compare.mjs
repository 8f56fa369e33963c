// The browser's half of internal/metadata as a process, for a test in Go that
// compares them: files come in on standard input, each after its length in four
// bytes, and for each go out the cleaned file and what was found, likewise.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { options } from "./build.mjs";

const out = await build({
  ...options,
  entryPoints: [fileURLToPath(new URL("src/metadata/index.ts", import.meta.url))],
  globalName: "metadata",
  write: false,
});
const { clean, inspect } = new Function(`${out.outputFiles[0].text}; return metadata;`)();

const framed = (b) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(b.length);
  return Buffer.concat([head, b]);
};

async function answer(content) {
  const file = new Blob([content]);
  const cleaned = await clean(file, false);
  const size = await cleaned.size();
  const first = cleaned.result;
  const parts = [];
  for await (const part of cleaned.stream()) parts.push(part);
  const { kind, findings } = await inspect(file);
  const said = JSON.stringify({ kind, findings, size, hidden: cleaned.result.hidden, same: JSON.stringify(first) === JSON.stringify(cleaned.result) });
  process.stdout.write(Buffer.concat([framed(Buffer.concat(parts)), framed(Buffer.from(said))]));
}

let left = Buffer.alloc(0);
for await (const part of process.stdin) {
  left = Buffer.concat([left, part]);
  while (left.length >= 4 && left.length >= 4 + left.readUInt32BE(0)) {
    const n = 4 + left.readUInt32BE(0);
    await answer(left.subarray(4, n));
    left = left.subarray(n);
  }
}
