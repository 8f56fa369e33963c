// Bundles the tests of the core, and reads the vectors that Go's tests run too.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../../../", import.meta.url);

export const vectors = () => {
  const read = (path) => JSON.parse(readFileSync(new URL(path, root), "utf8"));
  return {
    casecode: read("crypto/casecode/testdata/vectors.json"),
    form: read("internal/submission/testdata/vectors.json"),
  };
};

/** The bundle as a script that sets the global named "core". */
export async function bundle() {
  const { options } = await import("../build.mjs");
  const out = await build({
    ...options,
    entryPoints: [fileURLToPath(new URL("vectors.ts", import.meta.url))],
    globalName: "core",
    minify: false,
    write: false,
  });
  return out.outputFiles[0].text;
}

export async function load() {
  return new Function(`${await bundle()}; return core;`)();
}
