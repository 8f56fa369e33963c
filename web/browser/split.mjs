// Answers a JSON array of keys to be split, on standard input: see test/split.ts.
import { readFileSync } from "node:fs";
import { bundle } from "./test/load.js";

const split = new Function(`${await bundle("split.ts", "split")}; return split;`)();
console.log(JSON.stringify(await split.made(JSON.parse(readFileSync(0, "utf8")))));
