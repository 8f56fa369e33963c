// Every page that a reporter may see, in each of its states.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startCircuit } from "../lib/circuit.js";
import { startIntake } from "../lib/demo.js";
import { forwarded } from "../lib/queue.js";
import { nameKeyWitnesses } from "../lib/split.js";

const vectors = JSON.parse(readFileSync(new URL("../../../crypto/casecode/testdata/vectors.json", import.meta.url), "utf8"));
// A code that is right and was never given to anybody here.
const stranger = vectors.at(-1).words;
const beginning = (message) => message.split("{{")[0].trim();
export const codeOf = (person) => person.evaluate(() => [...document.querySelectorAll("ol.code li")].map((li) => li.innerText.trim()));

// intake ends with a report sent, and returns its code.
export async function intake(look, { demo, path, w, files }) {
  const { person, page } = look;
  const url = demo.intake + path;
  const problem = { status: 422, focus: w("page.problem.title") };

  await person.open(url);
  await look.at("home");
  await person.click(w("intake.home.report"));
  await look.at("advice");
  await person.click(w("intake.advice.next"));
  await look.at("write");
  await person.click(w("intake.write.next"));
  await look.at("write/unit-missing", problem);
  await person.choose(beginning(w("intake.unit.own")));
  await person.click(w("intake.write.next"));
  await look.at("check/empty");
  await person.click(w("intake.check.send"));
  await look.at("check/nothing", problem);
  await person.click(w("intake.check.back"));
  await person.fill(w("intake.field.apa"), "Papan proyek tanpa angka");
  await person.fill(w("intake.field.siapa"), "Kepala Seksi Contoh, 081234567890");
  await person.fill(w("intake.field.rugi"), "2,5 juta");
  await person.choose(w("category.pengadaan"));
  await person.choose(w("intake.keep"));
  await look.at("write/filled");
  await person.click(w("intake.write.next"));
  await look.at("check");
  await person.attach(w("intake.file"), files.empty);
  await person.click(w("intake.check.send"));
  await look.at("check/file-empty", problem);
  await person.attach(w("intake.file"), files.text);
  await person.click(w("intake.check.send"));
  const code = look.secret = await codeOf(person);
  await look.at("code");
  await person.click(w("intake.code.try"));
  await look.at("try");
  await person.fill(w("intake.open.label"), [...code.slice(0, 3), ...stranger.split(" ").slice(3, 4), ...code.slice(4)].join(" "));
  await person.click(w("intake.try.button"));
  await look.at("try/wrong", problem);
  await person.click(w("intake.try.show"));
  await look.at("code/again");
  await person.click(w("intake.code.try"));
  await person.fill(w("intake.open.label"), code.join(" "));
  await person.click(w("intake.try.button"));
  await look.at("tried");

  await person.open(url + "cek");
  await look.at("open");
  for (const [name, text] of [
    ["empty", ""],
    ["count", code.slice(1).join(" ")],
    ["word", ["zzzzzz", ...code.slice(1)].join(" ")],
    ["order", [code[1], code[0], ...code.slice(2)].join(" ")],
    ["unknown", stranger],
  ]) {
    await person.fill(w("intake.open.label"), text);
    await person.click(w("intake.open.button"));
    await look.at(`open/${name}`, problem);
  }
  await person.fill(w("intake.open.label"), code.join("-").toUpperCase());
  await person.click(w("intake.open.button"));
  await look.at("status/new");
  await person.click(w("intake.status.send"));
  await look.at("status/nothing", problem);
  await person.fill(w("intake.status.text"), "Saya punya foto papan proyek.");
  await person.attach(w("intake.file"), files.text);
  await person.click(w("intake.status.send"));
  await look.at("status/sent", { focus: w("intake.status.sent") });

  await person.open(url + "bantuan");
  await look.at("help");
  await person.open(url + "bantuan/kode-hilang");
  await look.at("lost");
  await person.open(url + "tidak-ada");
  await look.at("missing", { status: 404 });
  await person.open(url + "lapor/kirim");
  await look.at("direct", { status: 405 });
  await person.open("about:blank");
  await page.setContent(`<form method="post" enctype="multipart/form-data" action="${url}lapor/periksa"><button>Kirim</button></form>`);
  await person.click("Kirim");
  await look.at("foreign", { status: 403 });
  return code;
}

// answered is what the reporter sees once the desk has asked for more.
export async function answered(look, { demo, path, w }) {
  const { person } = look;
  look.secret = demo.codes[0].split(" ");
  await person.open(demo.intake + path + "cek");
  await person.fill(w("intake.open.label"), [look.secret[0].slice(0, -1) + "q", ...look.secret.slice(1)].join(" "));
  await person.click(w("intake.open.button"));
  await look.at("status");
  await person.click(w("intake.destroy.button"));
  await look.at("destroy");
  await person.click(w("intake.destroy.yes"));
  await look.at("destroyed", { focus: w("intake.destroy.done") });
}

// split looks at what is said of a unit with key witnesses.
export async function split(look, { demo, path, w }) {
  const { person } = look;
  nameKeyWitnesses(demo, { unit: "itprov", from: "itjen", need: 2, names: { "saksi-a": "Kantor Contoh Satu", "saksi-b": "Kantor Contoh Dua", "saksi-c": "Kantor Contoh Tiga" } });
  await person.open(demo.intake + path + "lapor/tulis");
  await person.choose(beginning(w("intake.unit.own")));
  await person.fill(w("intake.field.apa"), "Papan proyek tanpa angka");
  await person.click(w("intake.write.next"));
  await look.at("check");
}

// closed looks at an intake whose vault is away.
export async function closed(look, { demo, path, w }) {
  const { person } = look;
  const { url, stop } = await startIntake({ ...demo, deposit_socket: "/tidak/ada.sock" });
  try {
    await person.open(url + path + "lapor/tulis");
    await look.at("closed", { status: 503 });
    await person.open(url + path + "cek");
    await person.fill(w("intake.open.label"), stranger);
    await person.click(w("intake.open.button"));
    await look.at("closed/code", { status: 503 });
  } finally {
    await stop();
  }
}

// busy looks at what somebody is told whose circuit has used up its share, and whether
// what was typed is still there afterwards.
export async function busy(look, { demo, path, w, files }) {
  const { person } = look;
  const socket = join(demo.dir, `circuits-${look.language}.sock`);
  const { stop } = await startIntake(demo, "--circuit-socket", socket);
  const circuit = await startCircuit(socket);
  try {
    const url = circuit.url + path;
    await circuit.hold();
    await person.open(url + "lapor/tulis");
    await look.at("wait", { status: 429 });
    await circuit.release();
    await person.reload();
    await person.choose(beginning(w("intake.unit.own")));
    await person.fill(w("intake.field.apa"), "Papan proyek tanpa angka");
    await person.choose(w("intake.keep"));
    await circuit.hold();
    await person.click(w("intake.write.next"));
    await look.at("wait/typed", { status: 429 });
    await circuit.release();
    await person.click(w("intake.closed.again"));
    await look.at("waited/check");
    await person.attach(w("intake.file"), files.text);
    await circuit.hold();
    await person.click(w("intake.check.send"));
    await look.at("wait/files", { status: 429 });
    await circuit.release();
    await person.click(w("intake.closed.again"));
    await person.click(w("intake.check.send"));
    const code = look.secret = await codeOf(person);
    await look.at("waited/code");
    await person.open(url + "cek");
    await person.fill(w("intake.open.label"), code.join(" "));
    await circuit.hold();
    await person.click(w("intake.open.button"));
    await look.at("wait/code", { status: 429 });
    await circuit.release();
    await person.click(w("intake.closed.again"));
    await look.at("waited/status");
  } finally {
    circuit.stop();
    await stop();
  }
}

// told is what the reporter sees of a report that went to the main queue.
export async function told(look, { demo, path, w }) {
  const { person } = look;
  const code = await forwarded(demo);
  look.secret = code.split(" ");
  await person.open(demo.intake + path + "cek");
  await person.fill(w("intake.open.label"), code);
  await person.click(w("intake.open.button"));
  await look.at("status");
}
