// The words of the pages, from the catalogues that the program itself reads, for tests
// that walk the same way in each language.
import { readFileSync, readdirSync } from "node:fs";

const folder = new URL("../../../internal/lang/", import.meta.url);

export function words(language) {
  const messages = new Map();
  for (const file of readdirSync(folder).filter((f) => f.endsWith(`.${language}.toml`))) {
    let table = "";
    for (const line of readFileSync(new URL(file, folder), "utf8").split("\n")) {
      const header = line.match(/^\["?([^"\]]+)"?\]/);
      if (header) table = header[1] + ".";
      const entry = line.match(/^"?([\w.-]+)"?\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*')/);
      if (entry) messages.set(table + entry[1], entry[2][0] === "'" ? entry[2].slice(1, -1) : JSON.parse(entry[2]));
    }
  }
  return (key, values = {}) => {
    const message = messages.get(key);
    if (message === undefined) throw new Error(`no message ${key} in ${language}`);
    return message.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (place, name) => values[name] ?? place);
  };
}
