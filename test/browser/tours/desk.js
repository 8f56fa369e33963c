// Every page that an investigator may see, in each of its states.
// unlock opens the desk for a member.
export async function unlock(person, { demo, path, w }, id) {
  const member = demo.members.find((m) => m.id === id);
  await person.open(demo.desk + path);
  await person.select(w("desk.unlock.member"), member.name);
  await person.fill(w("desk.unlock.passphrase"), member.passphrase);
  await person.click(w("desk.unlock.button"));
}

export async function desk(look, { demo, path, w }) {
  const { person } = look;
  const problem = { status: 422, focus: w("page.problem.title") };
  const url = demo.desk + path;

  await person.open(url);
  await look.at("unlock");
  await person.fill(w("desk.unlock.passphrase"), "bukan ini");
  await person.click(w("desk.unlock.show"));
  await look.at("unlock/shown");
  await person.click(w("desk.unlock.button"));
  await look.at("unlock/wrong", problem);

  await unlock(person, { demo, path, w }, "penelaah-satu");
  await look.at("inbox");
  await person.select(w("desk.inbox.show"), w("desk.inbox.show.selesai"));
  await person.select(w("desk.column.status"), w("status.verifying"));
  await person.click(w("desk.inbox.apply"));
  await look.at("inbox-none");
  await person.fill(w("desk.search.label"), "lampu jalan");
  await person.click(w("desk.search.button"));
  await look.at("found");
  await person.fill(w("desk.search.label"), "tidak ada kata ini");
  await person.click(w("desk.search.button"));
  await look.at("found/none");
  await person.open(url);
  await person.click("Lampu jalan di Kecamatan Sungai Jernih");
  await look.at("case");
  const at = await person.url();

  await person.click(w("desk.file.link"));
  await look.at("download");
  await person.click(w("desk.cancel"));
  await person.click(w("desk.reply.link"));
  await look.at("reply");
  await person.click(w("desk.reply.button"));
  await look.at("reply/missing", problem);
  await person.fill(w("desk.reply.label"), "Terima kasih atas jawaban Anda.");
  await person.click(w("desk.reply.button"));
  await look.at("reply-check");
  await person.click(w("desk.check.send"));
  await look.at("case/replied", { focus: w("desk.done.balas") });
  await person.click(w("desk.note.link"));
  await look.at("note");
  await person.click(w("desk.note.button"));
  await look.at("note/missing", problem);
  await person.fill(w("desk.note.label"), "Minta berita acara asli.");
  await person.click(w("desk.note.button"));
  await look.at("case/noted", { focus: w("desk.done.catatan") });
  await person.click(w("desk.status.link"));
  await look.at("status");
  await person.click(w("desk.status.button"));
  await look.at("status/missing", problem);
  await person.choose(w("status.incomplete"));
  await person.fill(w("desk.status.label"), "Di desa mana foto itu diambil?");
  await person.click(w("desk.status.button"));
  await look.at("status-check");
  await person.click(w("desk.check.send"));
  await look.at("case/status", { focus: w("desk.done.status") });
  await person.click(w("desk.assign.link"));
  await look.at("assign");
  await person.click(w("desk.assign.button"));
  await look.at("assign/missing", problem);
  await person.choose("Penelaah Dua");
  await person.click(w("desk.assign.button"));
  await look.at("case/assigned", { focus: w("desk.done.penanggung") });
  await person.click(w("desk.readers.link"));
  await look.at("readers");
  await person.choose("Penelaah Dua");
  await person.click(w("desk.readers.button"));
  await look.at("readers-check");
  await person.click(w("desk.cancel"));
  await person.open(at + "/benturan");
  await look.at("conflict");
  await person.open(at + "/ekspor");
  await look.at("export");
  await person.open(at + "/lampiran/99");
  await person.click(w("desk.download.button"));
  await look.at("download/none", { status: 404 });

  await person.open(url + "bantuan");
  await look.at("help");
  await person.open(url + "tidak-ada");
  await look.at("missing", { status: 404 });
  await person.click(w("desk.nav.lock"));
  await look.at("locked");
  await unlock(person, { demo, path, w }, "penelaah-kabupaten");
  await look.at("inbox/other");
  await person.open(at);
  await look.at("no-key", { status: 403 });
  await person.click(w("desk.nav.lock"));
  await unlock(person, { demo, path, w }, "pemeriksa-log");
  await look.at("no-role", { status: 403 });
}
