// The pages on which a case is sorted, referred, and forwarded to the main queue.
import { until } from "../lib/person.js";
import { tracking } from "../lib/queue.js";
import { unlock } from "./desk.js";

export async function forward(look, { demo, path, w }) {
  const { person } = look;
  const problem = { status: 422, focus: w("page.problem.title") };
  const url = demo.desk + path;

  await unlock(person, { demo, path, w }, "penelaah-dua");
  await person.click("Dana sekolah dipotong");
  const at = (await person.url()).split("?")[0];
  await person.click(w("desk.triage.link"));
  await look.at("triage");
  await person.click(w("desk.triage.button"));
  await look.at("triage/missing", problem);
  await person.open(at + "/teruskan");
  await look.at("unsorted", { status: 409 });
  await person.click(w("desk.triage.link"));
  await person.choose(w("class.oversight"));
  await person.select(w("desk.triage.same"), "Perjalanan dinas lima orang");
  await person.click(w("desk.triage.button"));
  await look.at("case/duplicate", { focus: w("desk.done.triase") });
  await person.open(at + "/teruskan");
  await look.at("oversight", { status: 409 });
  await person.open(at + "/rujuk");
  await look.at("refer");
  await person.click(w("desk.refer.button"));
  await look.at("refer/missing", problem);
  await person.choose(look.language === "id" ? "Inspektorat Jenderal" : "Inspectorate General");
  await person.choose(w("desk.refer.ends.yes"));
  await person.click(w("desk.refer.button"));
  await look.at("refer-check");
  await person.click(w("desk.refer.send"));
  await look.at("inbox", { focus: w("desk.refer.done") });

  // One that is prepared anew, with everything that the page can show.
  await person.click("Loket pelayanan hanya buka");
  const queue = (await person.url()).split("?")[0];
  await look.at("case/prepared");
  await person.open(queue + "/teruskan");
  await look.at("prepare");
  await person.fill(w("desk.prepare.add.label"), "tidak ada di sini");
  await person.click(w("desk.prepare.apply"));
  await look.at("prepare/absent", problem);
  await person.fill(w("desk.prepare.add.label"), "Bukit Landai");
  await person.select(w("desk.prepare.add.kind"), w("redact.kind.ALAMAT"));
  await person.fill(w("desk.prepare.text"), (await person.value(w("desk.prepare.text"))) +
    "\n\nHubungi Pak Budi Santoso, 0812-5000-1234, Jl. Melati No. 5 RT 03. Bendahara Dinas Contoh mengetahuinya.");
  await person.click(w("desk.prepare.apply"));
  await look.at("prepare/masked");
  await person.fill(w("desk.prepare.subject"), "");
  await person.click(w("desk.prepare.button"));
  await look.at("prepare/untitled", problem);
  await person.fill(w("desk.prepare.subject"), "Loket hanya satu yang buka");
  await person.click(w("desk.prepare.button"));
  await look.at("prepare-check");
  await person.click(w("desk.prepare.save"));
  await look.at("case/saved", { focus: w("desk.done.teruskan") });
  await person.click(w("desk.approve.link"));
  await look.at("approve/not-theirs");
  await person.click(w("desk.nav.lock"));

  await unlock(person, { demo, path, w }, "penelaah-satu");
  await person.open(url + "penerusan");
  await look.at("outbox");
  await person.open(queue + "/setujui");
  await look.at("approve");
  await person.click(w("desk.approve.return.button"));
  await look.at("approve/missing", problem);
  await person.open(queue + "/putuskan");
  await look.at("decide");
  await person.click(w("desk.decide.button"));
  await look.at("decide/missing", problem);
  await person.choose(w("desk.decision.dropped"));
  await person.click(w("desk.decide.button"));
  await look.at("decide-check");
  await person.open(queue + "/setujui");
  await person.fill(w("desk.approve.reason"), "Sebutkan kecamatannya.");
  await person.click(w("desk.approve.return.button"));
  await look.at("case/returned", { focus: w("desk.done.kembali") });
  await person.open(queue + "/teruskan");
  await look.at("prepare/returned");
  await person.click(w("desk.prepare.button"));
  await person.click(w("desk.prepare.save"));
  await person.click(w("desk.approve.link"));
  await look.at("approve/own");
  await person.open(queue + "/putuskan");
  await person.choose(w("desk.decision.dropped"));
  await person.click(w("desk.decide.button"));
  await person.click(w("desk.decide.save"));
  await look.at("case/dropped", { focus: w("desk.done.putuskan") });

  // One that was sent.
  await person.open(url);
  await person.click("Lampu penerangan di halte");
  const sent = (await person.url()).split("?")[0];
  await until("the queue to answer", async () => {
    await person.open(sent);
    return (await person.text()).includes(tracking);
  });
  await look.at("case/sent");
  await person.open(sent + "/putuskan");
  await look.at("nothing-to-decide", { status: 409 });
}
