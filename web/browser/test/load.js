// Bundles the tests of the core, and reads the vectors that Go's tests run too.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { options } from "../build.mjs";

const root = new URL("../../../", import.meta.url);

export const vectors = () => {
  const read = (path) => JSON.parse(readFileSync(new URL(path, root), "utf8"));
  return {
    casecode: read("crypto/casecode/testdata/vectors.json"),
    parse: read("crypto/casecode/testdata/parse.json"),
    seal: read("crypto/seal/testdata/vectors.json"),
    split: read("crypto/seal/testdata/split.json"),
    log: read("crypto/accesslog/testdata/vectors.json"),
    signed: read("crypto/signature/testdata/vectors.json"),
    form: read("internal/submission/testdata/vectors.json"),
    tags: read("internal/submission/testdata/tags.json"),
    marks: read("internal/submission/testdata/marks.json"),
    proofs: read("internal/submission/testdata/proofs.json"),
    policies: read("internal/witness/testdata/policies.json"),
    witnessed: read("internal/reporter/testdata/witnessed.json"),
  };
};

/** A source, bundled to a script that sets the global of the name given. */
export async function bundle(source, globalName) {
  const { outputFiles } = await build({
    ...options,
    entryPoints: [fileURLToPath(new URL(source, import.meta.url))],
    globalName,
    minify: false,
    write: false,
  });
  return outputFiles[0].text;
}
