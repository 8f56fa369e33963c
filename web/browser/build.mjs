// Builds dist/app.js and dist/worker.js, and dist/audit.js for auditors, byte for byte the same from the same
// sources. "node build.mjs DIR" writes to another folder, to compare.
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (name) => path.join(here, name);

/** A source in which errors are made without words: new Error("why") is new Error(), and throw Error("why") throw Error(). */
function unworded(source) {
  const made = /\b(?:new|throw) (?:|Type|Range|Syntax)Error\(/g;
  // A text in quotes, one in backquotes (whose expressions have none), or what is no parenthesis.
  const part = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|[()]|[^()'"`]+/gy;
  let text = "";
  let from = 0;
  for (let m; (m = made.exec(source)); ) {
    let depth = 1;
    part.lastIndex = made.lastIndex;
    while (depth > 0) {
      const p = part.exec(source);
      if (!p) throw new Error("an error's words don't end");
      if (p[0] === "(") depth++;
      if (p[0] === ")") depth--;
    }
    text += source.slice(from, made.lastIndex);
    from = part.lastIndex - 1;
    made.lastIndex = from;
  }
  return text + source.slice(from);
}

/** A text without a part that stands in it once: the part, or what matches it. */
function without(text, part) {
  if (text.split(part).length !== 2) throw new Error("a library has changed: look again at what is left out of it");
  return text.replace(part, "");
}

// Libraries without what they could do besides, and isn't wanted: see the files.
const trimmed = {
  name: "without",
  setup(b) {
    b.onResolve({ filter: /^\.\/recipients\.js$/ }, ({ importer }) =>
      importer.endsWith("/age-encryption/dist/index.js") ? { path: at("src/without/recipients.js") } : undefined);
    b.onResolve({ filter: /^\.\/error\.js$/ }, ({ importer }) =>
      importer.endsWith("/tus-js-client/lib/upload.js") ? { path: at("src/without/error.js") } : undefined);
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
    // Nobody is told what an error says, since it could hold what was typed: only its kind is.
    b.onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
      let text = unworded(await readFile(path, "utf8"));
      // A copy of whatever is authenticated, of which nothing is changed: a sixth of the time of sealing.
      if (path.endsWith("@noble/ciphers/_poly1305.js")) text = without(text, "data = copyBytes(data);");
      // Uploads in several parts at once, and the words of errors that are no argument of an Error.
      if (path.endsWith("tus-js-client/lib/upload.js")) text = without(text, /\n  _startParallelUpload\(\) \{\n[^]*?\n  \}\n/).replace(/(['"`])tus: [^]*?\1/g, '""');
      // They are made when the file is loaded, and never used.
      if (path.endsWith("@noble/post-quantum/hybrid.js")) text = text.replace(/(?<==|,) (?=(?:QSF|createKitchenSink|ecdhKem)\()/g, " /* @__PURE__ */ ");
      return { contents: text, loader: path.endsWith(".ts") ? "ts" : "js" };
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
  plugins: [trimmed],
  logLevel: "warning",
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({
    ...options,
    entryPoints: { app: "src/app.ts", worker: "src/worker.ts", audit: "src/audit/audit.ts" },
    outdir: path.resolve(process.argv[2] ?? at("dist")),
  });
}
