// What goes wrong where a script seals reports: every way in which the script can be
// missing leaves the plain form with all that was typed; what can't be trusted is said
// and nothing is sent; broken connections are resumed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { Chromium, launch } from "./lib/chromium.js";
import { binary, startDemo } from "./lib/demo.js";
import { heading, openSealed, sealed } from "./lib/device.js";
import { Person, until } from "./lib/person.js";
import { startProxy } from "./lib/proxy.js";
import { codeOf } from "./tours/intake.js";

const typed = "Aspal setipis kertas di Desa Contoh";
const server = /Laporan dikunci \(dienkripsi\) oleh server ini/;
const device = /Laporan dikunci \(dienkripsi\) di perangkat ini/;

let demo, proxy, browser, folder, engine, person, page;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "suluh-files-"));
  demo = await startDemo();
  proxy = await startProxy(demo.intake);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  proxy?.stop();
  await demo?.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  Object.assign(proxy, { bytes: 0, cuts: 0, cutAfter: Infinity, away: false, record: false, received: [] });
  engine = await Chromium.open(browser, { javaScriptEnabled: true });
  person = new Person(engine);
  page = engine.page;
});
afterEach(() => engine.close());

const file = (name, bytes) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
async function write() {
  await person.choose("Tidak. Inspektorat Provinsi yang membaca");
  await person.fill("Apa yang terjadi?", typed);
  await person.fill("Perkiraan kerugian", "2,5 juta");
}
async function check() {
  await openSealed(person, proxy.url + "lapor/tulis");
  await write();
  await person.click("Lanjut: periksa laporan");
  assert.match(await person.text(), device);
}

describe("without the script the form is the plain one, with all that was typed", () => {
  const script = (name, act) => page.route(`**/peramban/${name}`, act);
  const ways = {
    "the script doesn't come": () => script("app.js", (r) => r.abort()),
    "the script is another": async () => script("app.js", async (r) => {
      const response = await r.fetch();
      await r.fulfill({ response, body: `${await response.text()};document.title="lain"` });
    }),
    "the worker doesn't come": () => script("worker.js", (r) => r.abort()),
    "the worker is missing": () => script("worker.js", (r) => r.fulfill({ status: 404, body: "" })),
    "the worker breaks": () => script("worker.js", async (r) => r.fulfill({ response: await r.fetch(), body: "throw new Error()" })),
    "the worker says nothing for long": () => script("worker.js", async (r) => r.fulfill({ response: await r.fetch(), body: "onmessage = () => {}" })),
    "the parts of pages don't come": () => script("bagian", (r) => r.abort()),
    "the vault can't be asked": () => page.route("**/deposit/v1/state", (r) => r.abort()),
    "workers are blocked": () => page.addInitScript(() => { globalThis.Worker = function () { throw new Error("blocked"); }; }),
    "the browser is old": () => page.addInitScript(() => { delete globalThis.TransformStream; }),
    "the browser has no workers": () => page.addInitScript(() => { delete globalThis.Worker; }),
  };
  for (const [name, act] of Object.entries(ways)) {
    test(name, async () => {
      await act();
      await person.open(proxy.url + "lapor/tulis");
      await write();
      await person.click("Lanjut: periksa laporan");
      assert.equal(await person.heading(), "Periksa, lalu kirim laporan");
      assert.equal(await person.url(), proxy.url + "lapor/periksa");
      assert.match(await person.text(), server);
      assert.match(await person.text(), new RegExp(typed));
      await person.click("Kirim laporan sekarang");
      assert.equal((await codeOf(person)).length, 10);
    });
  }

  test("a code is opened by the server", async () => {
    await script("worker.js", (r) => r.abort());
    await person.open(proxy.url + "cek");
    await person.fill("Kode laporan", demo.codes[0]);
    await person.click("Buka laporan");
    assert.equal(await person.heading(), "Status: Dalam penelaahan");
    assert.match(await person.text(), /Balasan dikunci \(dienkripsi\) oleh server ini/);
  });
});

describe("where the browser can't seal, the server can", () => {
  const refused = { contentType: "application/json", status: 422 };

  test("an officer's key that browsers don't know: the page's sentence says so, and the form is the plain one", async () => {
    await page.route("**/peramban/worker.js", async (r) => r.fulfill({ response: await r.fetch(), body: `onmessage = ({ data }) => postMessage({ id: data.id, failure: { kind: "recipient", file: -1 } })` }));
    await person.open(proxy.url + "lapor/tulis");
    await until("the sentence", async () => (await person.text()).includes("dikunci (dienkripsi) di server, di memori saja: peramban tidak mengenal jenis kunci salah satu petugas"));
    await write();
    await person.click("Lanjut: periksa laporan");
    assert.equal(await person.url(), proxy.url + "lapor/periksa");
    assert.match(await person.text(), server);
    await person.click("Kirim laporan sekarang");
    assert.equal((await codeOf(person)).length, 10);
  });

  test("a report that can't be sealed goes on at the server, if the person wants", async () => {
    await check();
    await page.route("**/deposit/v1/deposit", (r) => r.fulfill({ ...refused, status: 500, body: `{"code":"internal"}` }));
    await person.click("Kirim laporan sekarang");
    await until("the way out", () => person.has("button", "Lewat server saja"));
    assert.match(await person.text(), /Server melihat isinya sebentar, di memori saja/);
    await person.click("Lewat server saja");
    assert.equal(await person.heading(), "Periksa, lalu kirim laporan");
    assert.match(await person.text(), server);
    assert.match(await person.text(), new RegExp(typed));
    await person.click("Kirim laporan sekarang");
    assert.equal((await codeOf(person)).length, 10);
  });

  test("a reply too, with what was typed of it", async () => {
    await openSealed(person, proxy.url + "cek");
    await person.fill("Kode laporan", demo.codes[0]);
    await person.click("Buka laporan");
    await person.fill("Balasan Anda", "Lewat server");
    await page.route("**/deposit/v1/deposit", (r) => r.fulfill({ ...refused, status: 500, body: `{"code":"internal"}` }));
    await person.click("Kirim balasan");
    await until("the way out", () => person.has("button", "Lewat server saja"));
    await person.click("Lewat server saja");
    assert.equal(await person.heading(), "Status: Dalam penelaahan");
    assert.match(await person.text(), /Balasan dikunci \(dienkripsi\) oleh server ini/);
    assert.equal(await person.value("Balasan Anda"), "Lewat server");
  });

  test("a vault that has another key for a case is named when it won't destroy an answer", async () => {
    await openSealed(person, proxy.url + "cek");
    await person.fill("Kode laporan", demo.codes[0]);
    await person.click("Buka laporan");
    await page.route("**/deposit/v1/destroy", (r) => r.fulfill({ ...refused, body: `{"code":"signature"}` }));
    await person.click("Hapus balasan ini dari server");
    await person.click("Ya, hapus balasan ini");
    await until("the refusal", async () => (await person.text()).includes("Server menolak: kunci laporan ini di server bukan dari kode Anda"));
    assert.match(await person.heading(), /^Status: /);
  });
});

describe("nothing typed is lost", () => {
  test("what was typed before the script came is there after", async () => {
    let come;
    await page.route("**/peramban/worker.js", async (route) => { await new Promise((resolve) => { come = resolve; }); await route.continue(); });
    await person.open(proxy.url + "lapor/tulis");
    await until("the worker to be asked for", () => come);
    await write();
    come();
    await sealed(person);
    assert.equal(await person.value("Apa yang terjadi?"), typed);
    assert.equal(await person.chosen("Tidak. Inspektorat Provinsi yang membaca"), true);
  });

  test("a form sent before the script is ready waits for it, and isn't sent in the clear", async () => {
    let come;
    await page.route("**/peramban/worker.js", async (route) => { await new Promise((resolve) => { come = resolve; }); await route.continue(); });
    await person.open(proxy.url + "lapor/tulis");
    await until("the worker to be asked for", () => come);
    await write();
    proxy.record = true;
    await person.load(async () => {
      await engine.click(await engine.find("button", "Lanjut: periksa laporan"));
      come();
    });
    assert.match(await person.text(), device);
    assert.ok(!proxy.sent().includes(typed));
  });

  test("Back, Forward and another language keep it, and send nothing", async () => {
    proxy.record = true;
    await check();
    await person.attach("Pilih berkas", file("catatan.txt", "isi berkas\n"));
    await person.back();
    assert.equal(await person.heading(), "Tulis laporan Anda");
    assert.equal(await person.value("Apa yang terjadi?"), typed);
    await person.load(() => page.evaluate(() => history.forward()));
    assert.match(await person.text(), new RegExp(typed));
    await person.click("English");
    assert.equal(await person.heading(), "Check and send your report");
    assert.equal(await person.evaluate(() => document.documentElement.lang), "en");
    assert.match(await person.text(), /catatan\.txt/, "the chosen file is gone");
    await person.click("Go back and change");
    assert.equal(await person.value("What happened?"), typed);
    await person.click("Bahasa Indonesia");
    assert.equal(await person.value("Apa yang terjadi?"), typed);
    assert.equal(await person.value("Perkiraan kerugian"), "2,5 juta");
    assert.equal(await person.url(), proxy.url + "lapor/tulis");
    assert.ok(!proxy.sent().includes("Aspal"), "what was typed was sent in the clear");
  });

  for (const [name, act] of Object.entries({
    "what was typed": async () => check(),
    "a code that wasn't tried": async () => { await check(); await person.click("Kirim laporan sekarang"); await heading(person, "Laporan diterima"); },
    "a reply": async () => {
      await openSealed(person, proxy.url + "cek");
      await person.fill("Kode laporan", demo.codes[0]);
      await person.click("Buka laporan");
      await person.fill("Balasan Anda", "Belum selesai");
    },
    "what is being sent": async () => {
      await check();
      await page.route("**/deposit/v1/files/*", () => {});
      await person.attach("Pilih berkas", file("suara.bin", randomBytes(1 << 20)));
      await person.click("Kirim laporan sekarang");
      await heading(person, "Mengirim laporan");
    },
  })) {
    test(`before ${name} is lost, the browser asks`, async () => {
      await act();
      const before = await person.heading();
      const asked = page.waitForEvent("dialog");
      await page.close({ runBeforeUnload: true });
      const dialog = await asked;
      assert.equal(dialog.type(), "beforeunload");
      await dialog.dismiss();
      assert.equal(await person.heading(), before);
    });
  }

  test("sent again after Back it is the same case, changed it is added to it", async () => {
    await check();
    await person.click("Kirim laporan sekarang");
    await heading(person, "Laporan diterima");
    const code = await codeOf(person);
    await person.back();
    await person.click("Kirim laporan sekarang");
    await heading(person, "Laporan diterima");
    assert.deepEqual(await codeOf(person), code);
    assert.match(await person.text(), /Laporan ini sudah kami terima sebelumnya\./);
    await person.back();
    await person.click("Kembali dan ubah");
    await person.fill("Apa yang terjadi?", `${typed}, juga di desa sebelah`);
    await person.click("Lanjut: periksa laporan");
    await person.click("Kirim laporan sekarang");
    await heading(person, "Laporan diterima");
    assert.deepEqual(await codeOf(person), code);
    assert.match(await person.text(), /Perubahan Anda kami tambahkan pada laporan yang sama/);
  });

  test("after Keluar cepat neither Back nor the form shows anything", async () => {
    await page.route("https://www.bmkg.go.id/**", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Cuaca</title><h1>Cuaca</h1>" }));
    await check();
    await person.click("Keluar cepat");
    assert.equal(await person.heading(), "Cuaca");
    await engine.back().catch(() => {});
    await until("the page before", async () => (await person.url()).startsWith(proxy.url));
    await sealed(person);
    assert.equal(await person.value("Apa yang terjadi?"), "");
    assert.doesNotMatch(await person.text(), new RegExp(typed));
  });
});

describe("sending", () => {
  // What this costs in bytes is measured in core.test.js.
  test("broken connections are resumed", async () => {
    const bytes = randomBytes(12 << 20);
    await check();
    await person.attach("Pilih berkas", file("rekaman.bin", bytes));
    const waiting = page.waitForFunction(() => document.body.innerText.includes("Sambungan terputus, mencoba lagi…"));
    Object.assign(proxy, { bytes: 0, cutAfter: 5 << 20 });
    await person.click("Kirim laporan sekarang");
    await waiting;
    await heading(person, "Laporan diterima");
    assert.ok(proxy.cuts >= 2, `${proxy.cuts} cuts`);
  });

  test("it can be cancelled and begun again, by Back too; files stay chosen", async () => {
    await check();
    await page.route("**/deposit/v1/files/*", () => {});
    await person.attach("Pilih berkas", file("rekaman.bin", randomBytes(1 << 20)));
    await person.click("Kirim laporan sekarang");
    await heading(person, "Mengirim laporan");
    await person.click("Batalkan");
    assert.equal(await person.heading(), "Periksa, lalu kirim laporan");
    assert.match(await person.text(), /Pengiriman dibatalkan\. Belum ada yang kami terima\./);
    await person.click("Kirim laporan sekarang");
    await heading(person, "Mengirim laporan");
    await person.back();
    assert.equal(await person.heading(), "Tulis laporan Anda");
    assert.equal(await person.value("Apa yang terjadi?"), typed);
    await page.unroute("**/deposit/v1/files/*");
    await person.click("Lanjut: periksa laporan");
    await until("the file to be named", async () => (await person.text()).includes("rekaman.bin"));
    await person.click("Kirim laporan sekarang");
    await heading(person, "Laporan diterima");
    assert.match(await person.text(), /1 berkas dikirim apa adanya/);
  });

  test("after the connection was away it is continued", async () => {
    await check();
    proxy.leave();
    await person.click("Kirim laporan sekarang");
    await until("the connection to be given up", () => person.has("button", "Lanjutkan kiriman"));
    await person.click("Lanjutkan kiriman");
    await until("the connection to be given up again", () => person.has("button", "Lanjutkan kiriman"));
    proxy.come();
    await person.click("Lanjutkan kiriman");
    await heading(person, "Laporan diterima");
  });

  test("a file that is gone, empty or too large is named, and nothing is lost", async () => {
    await check();
    await person.attach("Pilih berkas", file("kosong.txt", ""));
    await person.click("Kirim laporan sekarang");
    assert.match(await person.text(), /Berkas “kosong\.txt” kosong/);
    assert.match(await person.text(), new RegExp(typed));
    const gone = file("hilang.txt", "isi\n");
    await person.attach("Pilih berkas", gone);
    rmSync(gone);
    await person.click("Kirim laporan sekarang");
    await until("the file to be missed", async () => /Berkas “hilang\.txt” tidak dapat dibaca lagi/.test(await person.text()));
    assert.equal(await person.heading(), "Periksa, lalu kirim laporan");
  });
});

describe("by code", () => {
  test("two tabs with one code both reply", async () => {
    const second = await Chromium.open(browser, { javaScriptEnabled: true });
    const other = new Person(second);
    try {
      for (const p of [person, other]) {
        await openSealed(p, proxy.url + "cek");
        await p.fill("Kode laporan", demo.codes[0]);
        await p.click("Buka laporan");
      }
      const before = (await person.text()).split("Dari Anda, ").length;
      for (const [p, text] of [[person, "Dari jendela satu."], [other, "Dari jendela dua."]]) {
        await p.fill("Balasan Anda", text);
        await p.click("Kirim balasan");
        await until("the reply to be sent", async () => (await p.text()).includes("Balasan terkirim."));
      }
      assert.equal((await other.text()).split("Dari Anda, ").length, before + 2);
      await person.click("Hapus balasan ini dari server");
      await person.click("Ya, hapus balasan ini");
      // What the first has destroyed, the second asks for in vain.
      await other.click("Hapus balasan ini dari server");
      await other.click("Ya, hapus balasan ini");
      assert.match(await other.text(), /Balasan itu sudah dihapus dari server\./);
    } finally {
      await second.close();
    }
  });

  test("a reply that could not be sent is still there", async () => {
    await openSealed(person, proxy.url + "cek");
    await person.fill("Kode laporan", demo.codes[0]);
    await person.click("Buka laporan");
    await person.fill("Balasan Anda", "Belum terkirim");
    proxy.leave();
    await person.click("Kirim balasan");
    await until("the connection to be given up", () => person.has("button", "Lanjutkan kiriman"));
    await person.click("Batalkan");
    assert.equal(await person.value("Balasan Anda"), "Belum terkirim");
  });

  test("a code while the vault can't be asked stays typed", async () => {
    await openSealed(person, proxy.url + "cek");
    await person.fill("Kode laporan", demo.codes[0]);
    proxy.leave();
    await person.click("Buka laporan");
    assert.match(await person.text(), /Sambungan ke server terputus/);
    assert.equal(await person.value("Kode laporan"), demo.codes[0]);
  });
});

// The last, since it changes the list of readers.
test("an old list of readers is not sealed to", async () => {
  const old = {};
  for (const name of ["state", "roster/proof"]) old[name] = await (await fetch(`${demo.intake}deposit/v1/${name}`)).text();
  await check();

  const keys = join(demo.dir, "keys");
  const { root_passphrase } = JSON.parse(readFileSync(join(demo.dir, "demo.json"), "utf8"));
  const run = (args, input) => execFileSync(binary, args, { input, stdio: ["pipe", "pipe", "inherit"] });
  run(["roster", "unit", "itprov", "--contact", "id=Jalan Lain 2", "--dir", keys]);
  run(["roster", "sign", "--dir", keys, "--passphrase-file", "-"], `${root_passphrase}\n`);
  run(["vault", "roster", "--dir", join(demo.dir, "vault"), join(keys, "roster-2.note")]);

  // It came into force while the check page stood there: it is checked again.
  await person.click("Kirim laporan sekarang");
  await until("the page to be checked again", async () => (await person.text()).includes("Daftar petugas baru saja berubah"));
  assert.match(await person.text(), new RegExp(typed));

  // Now intake goes on to serve what was in force before.
  await page.route("**/deposit/v1/roster/proof", (route) => route.fulfill({ contentType: "application/json", body: old["roster/proof"] }));
  await person.open(proxy.url + "lapor/tulis");
  await until("the warning", async () => (await person.text()).includes("Daftar petugas dari server ini sudah tidak berlaku"));
  await person.choose("Tidak. Inspektorat Provinsi yang membaca");
  await person.fill("Apa yang terjadi?", typed);
  proxy.record = true;
  await person.click("Lanjut: periksa laporan");
  assert.equal(await person.heading(), "Tulis laporan Anda");
  assert.equal(await person.value("Apa yang terjadi?"), typed);

  // And if it lies about what is in force too, the vault takes nothing that was sealed by it.
  await page.route("**/deposit/v1/state", (route) => route.fulfill({ contentType: "application/json", body: old.state }));
  await check();
  await person.click("Kirim laporan sekarang");
  await until("the page to be checked again", async () => (await person.text()).includes("Daftar petugas baru saja berubah"));
  assert.ok(!proxy.sent().includes("Aspal"), "a report was sent in the clear");
});
