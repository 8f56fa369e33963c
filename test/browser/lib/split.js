// A unit with key witnesses, whose cases are split: by hand in the roster's draft, signed
// and put in force with suluh's own commands; and what of such cases opens when.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "./demo.js";

const root = new URL("../../..", import.meta.url).pathname;

/** Names key witnesses for a unit, of another one; returns who they are. */
export function nameKeyWitnesses(demo, { unit, from, need, names }) {
  const keys = join(demo.dir, "keys");
  const folder = join(demo.dir, "saksi");
  mkdirSync(folder);
  const { root_passphrase: passphrase } = JSON.parse(readFileSync(join(demo.dir, "demo.json"), "utf8"));
  const file = join(folder, "passphrase");
  writeFileSync(file, `${passphrase}\n`);
  const suluh = (...args) => execFileSync(binary, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const draft = JSON.parse(readFileSync(join(keys, "roster.json"), "utf8"));
  const witnesses = Object.entries(names).map(([id, name]) => {
    suluh("member", "new", "--id", id, "--name", name, "--dir", folder, "--passphrase-file", file);
    const [, request] = readFileSync(join(folder, `${id}.request`), "utf8").split("\n");
    draft.members.push({ ...JSON.parse(request), unit: from, roles: ["key-witness"], address: `https://${id}.example/`, since: draft.day });
    return { id, identity_file: join(folder, `${id}.identity`), passphrase };
  });
  draft.units.find((u) => u.id === unit).key_witnesses = { need, of: Object.keys(names) };
  writeFileSync(join(keys, "roster.json"), JSON.stringify(draft));
  suluh("roster", "sign", "--dir", keys, "--passphrase-file", file);
  const { version } = JSON.parse(readFileSync(join(keys, "roster.json"), "utf8"));
  suluh("vault", "roster", "--dir", join(demo.dir, "vault"), join(keys, `roster-${version}.note`));
  return witnesses;
}

/** The split cases that a member has, before and after the shares of some key witnesses. */
export function openSplit(demo, member, witnesses) {
  const asked = { socket: join(demo.dir, "vault/member.sock"), reader: demo.members.find((m) => m.id === member), witnesses };
  return JSON.parse(execFileSync("go", ["run", "./test/opensplit"], { cwd: root, encoding: "utf8", input: JSON.stringify(asked) })) ?? [];
}
