// Builds dist/app.js and dist/worker.js, byte for byte the same from the same
// sources. "node build.mjs DIR" writes to another folder, to compare.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (name) => path.join(here, name);

export const options = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  format: "iife",
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
  legalComments: "none",
  loader: { ".txt": "text" },
  // What the libraries could do besides, and isn't wanted: see the files.
  alias: {
    "@noble/curves/nist.js": at("src/without/nist.js"),
    "@noble/hashes/scrypt.js": at("src/without/scrypt.js"),
    "js-base64": at("src/without/js-base64.js"),
    "url-parse": at("src/without/url-parse.js"),
  },
  logLevel: "warning",
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({
    ...options,
    entryPoints: { app: "src/app.ts", worker: "src/worker.ts" },
    outdir: path.resolve(process.argv[2] ?? at("dist")),
  });
}
