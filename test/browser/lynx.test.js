// A report sent, and its answer read, in a text browser, by its keys alone.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDemo } from "./lib/demo.js";
import { forwarded, link, status, tracking } from "./lib/queue.js";

let demo, folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-lynx-"));
  demo = await startDemo();
});
after(async () => {
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const type = (text) => [...text].map((letter) => (letter === " " ? "<space>" : letter));
const enter = "^J";
const tab = "^I";
const search = (words) => ["/", ...type(words), enter];
const follow = (words) => [...search(words), enter];

// lynx opens a page, presses keys and returns the text of the page that it comes to,
// which it prints into a file.
function lynx(url, keys) {
  const page = join(folder, "page.txt");
  const script = join(folder, "keys");
  rmSync(page, { force: true });
  writeFileSync(script, [...keys, "p", enter, "^U", ...type(page), enter, "q", "y"].map((key) => `key ${key}\n`).join(""));
  const { stdout } = spawnSync("script", ["-qec", `stty cols 100 rows 50; lynx -nopause -assume_charset=utf-8 -display_charset=utf-8 -cmd_script=${script} ${url}`, join(folder, "log")],
    { env: { ...process.env, TERM: "xterm", LANG: "C.UTF-8", LC_ALL: "C.UTF-8" }, encoding: "utf8", timeout: 120_000 });
  try {
    return readFileSync(page, "utf8");
  } catch {
    throw new Error(`lynx printed no page; it showed ${stdout.replace(/\x1b[[(][0-9;?]*[a-zA-Z]/g, " ").slice(-1500)}`);
  }
}

// write goes to the check page.
const write = [
  ...follow("Buat laporan"),
  ...follow("Lanjut: tulis"),
  ...follow("Tidak. Inspektorat"),
  // A search goes to a link or a choice: to the last one before the first field.
  ...follow("Jangan teruskan ke antrean"), tab,
  ...type("Papan proyek tanpa angka"),
  // In a field a slash would be text, so on to the first choice behind the fields.
  tab, tab, tab, tab, tab, tab,
  ...follow("Lanjut: periksa"),
];

test("what was typed and chosen is shown before it is sent", () => {
  const page = lynx(demo.intake, write);
  assert.match(page, /Antrean umum \(SP4N-LAPOR!\)\s+Jangan diteruskan/);
  assert.match(page, /Papan proyek tanpa angka/);
});

test("a report is sent and its status read", () => {
  const page = lynx(demo.intake, [...write, ...follow("Kirim laporan sekarang")]);
  assert.match(page, /Laporan diterima\. Catat kode ini/);
  const code = [...page.matchAll(/^ *(\d+)\. ([a-z]{4,8})$/gm)];
  assert.deepEqual(code.map(([, number]) => Number(number)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

  const status = open(code.map(([, , word]) => word).join(" "));
  assert.match(status, /Status: Laporan diterima/);
  assert.match(status, /Belum ada pesan/);
});

test("an answer is read", () => {
  const status = open(demo.codes[0]);
  assert.match(status, /Status: Dalam penelaahan/);
  assert.match(status.replaceAll(/\s+/g, " "), /Apakah Anda tahu di desa mana foto berita acara itu diambil\?/);
});

test("a wrong word is named", () => {
  const [, ...rest] = demo.codes[0].split(" ");
  assert.match(open(["zzzzzz", ...rest].join(" ")), /Kata ke-1, .zzzzzz., tidak ada dalam daftar/);
});

function open(code) {
  return lynx(demo.intake, [...follow("Cek laporan"), tab, tab, ...type(code), tab, enter]);
}

test("what became of it in the main queue is read, there and at the command line", async () => {
  const code = await forwarded(demo);
  for (const text of [open(code), status(demo, code)]) {
    const squeezed = text.replace(/\s+/g, " ");
    assert.match(squeezed, /Status: Dialihkan sebagai pengaduan umum/);
    assert.match(squeezed, /diperiksa dalam 3 hari kerja\. Jawaban pertama ada dalam 5 hari kerja\. Tindak lanjutnya selesai dalam 14 hari kerja/);
    for (const part of [tracking, link, "Dalam Proses", "Lampunya diganti pekan ini."]) assert.ok(squeezed.includes(part), `no “${part}” in ${text}`);
  }
});
