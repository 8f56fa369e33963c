// A unit with key witnesses, whose cases are split; and what of such cases opens when.
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
  const witnesses = Object.entries(names).map(([id, name]) => {
    suluh("member", "new", "--id", id, "--name", name, "--dir", folder, "--passphrase-file", file);
    suluh("roster", "add", join(folder, `${id}.request`), "--unit", from, "--role", "key-witness", "--address", `https://${id}.example/`, "--dir", keys);
    return { id, identity_file: join(folder, `${id}.identity`), passphrase };
  });
  suluh("roster", "unit", unit, "--key-witness", Object.keys(names).join(","), "--need", String(need), "--dir", keys);
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
