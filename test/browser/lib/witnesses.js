// Witnesses of a demo's log: two of three run, and two are enough. And what an operator
// could show who has the log's key, if both of them lied with him.
import { createHash, createPrivateKey, sign as ed25519 } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, run } from "./demo.js";

const suluh = (...args) => execFileSync(binary, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Puts into force what was changed in the demo's draft of a roster. */
export function signRoster(demo) {
  const keys = join(demo.dir, "keys");
  const { root_passphrase: passphrase } = JSON.parse(readFileSync(join(demo.dir, "demo.json"), "utf8"));
  execFileSync(binary, ["roster", "sign", "--dir", keys, "--passphrase-file", "-"], { input: `${passphrase}\n`, stdio: ["pipe", "pipe", "pipe"] });
  const { version } = JSON.parse(readFileSync(join(keys, "roster.json"), "utf8"));
  suluh("vault", "roster", "--dir", join(demo.dir, "vault"), join(keys, `roster-${version}.note`));
}

/** Starts the witnesses and names them in the roster. What comes is to be stopped. */
export async function nameWitnesses(demo) {
  const folder = join(demo.dir, "saksi");
  mkdirSync(folder);
  const key = (name) => suluh("witness", "key", `${name}.example`, join(folder, `${name}.key`)).trim();
  const lines = [];
  const running = [];
  for (const name of ["saksi-a", "saksi-b"]) {
    const vkey = key(name);
    const { line, stop } = await run(["witness", "run", "--key", join(folder, `${name}.key`), "--state", join(folder, name), "--log", join(demo.dir, "vault/log.vkey"), "--listen", "127.0.0.1:0"]);
    running.push(stop);
    lines.push(`witness ${name} ${vkey} ${line.match(/http\S+/)[0]}`);
  }
  lines.push(`witness saksi-c ${key("saksi-c")} https://saksi-c.example/`, "group saksi 2 saksi-a saksi-b saksi-c", "quorum saksi", "");
  const policy = join(folder, "saksi.policy");
  writeFileSync(policy, lines.join("\n"));
  suluh("roster", "witnesses", policy, "--dir", join(demo.dir, "keys"));
  signRoster(demo);
  return () => Promise.all(running.map((stop) => stop()));
}

/** Has the witnesses cosign the log as it is. */
export function askWitnesses(demo) {
  suluh("witness", "ask", "--once", "--member-socket", join(demo.dir, "vault/member.sock"), "--root-key", join(demo.dir, "keys/root.vkey"));
}

/** The signature line of a key, as its file has it; a witness's has the time in it. */
function signed(body, file, witness) {
  const [, name, encoded] = /^PRIVATE\+KEY\+([^+]+)\+[^+]+\+(\S+)/.exec(readFileSync(file, "utf8"));
  const seed = Buffer.from(encoded, "base64").subarray(1);
  const key = createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8" });
  const raw = Buffer.from(key.export({ format: "jwk" }).x, "base64url");
  const hash = createHash("sha256").update(`${name}\n`).update(Buffer.from([witness ? 4 : 1])).update(raw).digest().subarray(0, 4);
  const time = Math.floor(Date.now() / 1000);
  const stamp = Buffer.alloc(witness ? 8 : 0);
  if (witness) stamp.writeBigUInt64BE(BigInt(time));
  const signature = ed25519(null, Buffer.from(witness ? `cosignature/v1\ntime ${time}\n${body}` : body), key);
  return `— ${name} ${Buffer.concat([hash, stamp, signature]).toString("base64")}\n`;
}

/** An answer to GET roster/proof whose witnesses have cosigned another log: of as many records, and not these. */
export function anotherLog(demo, proof) {
  const [origin, size] = proof.checkpoint.split("\n");
  const body = `${origin}\n${size}\n${createHash("sha256").update("lain").digest("base64")}\n`;
  const by = ["saksi-a", "saksi-b"].map((name) => signed(body, join(demo.dir, `saksi/${name}.key`), true));
  const checkpoint = `${body}\n${signed(body, join(demo.dir, "vault/log.key"))}${by.join("")}`;
  return { ...proof, cosigned: { checkpoint: Buffer.from(checkpoint).toString("base64"), consistency: "" } };
}
