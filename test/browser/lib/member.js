// A member at the command line, who opens what a browser has sealed.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const binary = new URL("../../../build/bin/suluh", import.meta.url).pathname;

export class Member {
  constructor(demo, id, folder) {
    const { identity_file, passphrase } = demo.members.find((m) => m.id === id);
    this.passphrase = join(folder, `${id}.passphrase`);
    writeFileSync(this.passphrase, passphrase + "\n");
    this.env = { ...process.env, SULUH_MEMBER_SOCKET: join(demo.dir, "vault/member.sock"), SULUH_ROOT_KEY: join(demo.dir, "keys/root.vkey"), SULUH_IDENTITY: identity_file };
  }

  run(args, input = "") {
    return execFileSync(binary, ["case", ...args, "--passphrase-file", this.passphrase], { env: this.env, encoding: "utf8", input });
  }

  reply(name, text) { this.run(["reply", name], text); }

  /** The names of the cases that the member can open. */
  cases() {
    return this.run(["list", "--json"]).trim().split("\n").filter(Boolean).map((line) => JSON.parse(line).case);
  }

  /** A case as a folder: its documents by role, its attachments and its key. */
  open(name, folder) {
    this.run(["export", name, folder, "--with-key"]);
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    const read = (f) => readFileSync(join(folder, f.file));
    return {
      documents: manifest.files.filter((f) => f.kind === "document").map((f) => ({ role: f.role, ...JSON.parse(read(f)) })),
      attachments: manifest.files.filter((f) => f.kind === "attachment").map((f) => ({ name: f.name, type: f.type, hidden: f.hidden, bytes: read(f) })),
      key: readFileSync(join(folder, "case.key"), "utf8").trim(),
    };
  }
}
