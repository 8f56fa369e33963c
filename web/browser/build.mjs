// Builds dist/app.js and dist/worker.js, byte for byte the same from the same
// sources. "node build.mjs DIR" writes to another folder, to compare.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (name) => path.join(here, name);

// Libraries without what they could do besides, and isn't wanted: see the files.
const without = {
  name: "without",
  setup(b) {
    b.onResolve({ filter: /^\.\/recipients\.js$/ }, ({ importer }) =>
      importer.endsWith("/age-encryption/dist/index.js") ? { path: at("src/without/recipients.js") } : undefined);
    // The words of case codes, each as what it has in common with the one before
    // and the rest: a quarter shorter when it is compressed.
    b.onLoad({ filter: /casecode\/words\.txt$/ }, async ({ path }) => {
      let before = "";
      const coded = (await readFile(path, "utf8")).trim().split("\n").map((word) => {
        let n = 0;
        while (n < 9 && n < word.length && word[n] === before[n]) n++;
        before = word;
        return n + word.slice(n);
      });
      return { contents: coded.join(""), loader: "text" };
    });
    // They are made when the file is loaded, and never used.
    b.onLoad({ filter: /@noble\/post-quantum\/hybrid\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      return { contents: text.replace(/(?<==|,) (?=(?:QSF|createKitchenSink|ecdhKem)\()/g, " /* @__PURE__ */ ") };
    });
  },
};

export const options = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  format: "iife",
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
  legalComments: "none",
  drop: ["console"],
  alias: {
    "js-base64": at("src/without/js-base64.js"),
    "url-parse": at("src/without/url-parse.js"),
  },
  plugins: [without],
  logLevel: "warning",
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({
    ...options,
    entryPoints: { app: "src/app.ts", worker: "src/worker.ts" },
    outdir: path.resolve(process.argv[2] ?? at("dist")),
  });
}
