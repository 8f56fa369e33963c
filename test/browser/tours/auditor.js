import { until } from "../lib/person.js";

// Every page that an auditor may see, in each of its states.
export async function auditor(look, { demo, year, path, w }) {
  const { person } = look;
  const url = demo.audit + path;
  await person.open(url);
  await look.at("verdict");
  await person.click(w("auditor.verdict.how"));
  await look.at("how");
  await person.open(url);
  await person.click(w("auditor.verdict.search"));
  await look.at("search");
  await person.fill(w("auditor.search.from"), "kapan-kapan");
  await person.click(w("auditor.search.button"));
  await look.at("search/day", { status: 422, focus: w("page.problem.title") });
  await person.fill(w("auditor.search.from"), "");
  await person.click(w("auditor.search.button"));
  await look.at("results");
  await person.open(url + "catatan/0");
  await look.at("record/vault");
  await person.open(url + "catatan/5");
  await look.at("record");
  await person.open(url + "cari?dari=2020-01-01&sampai=2020-01-02");
  await look.at("results/none");
  await person.open(url + "tidak-ada");
  await look.at("missing", { status: 404 });

  // A year's log, where there is something of everything. The address is as serve prints it: with or without its last slash.
  const all = year.url.replace(/\/?$/, "/") + path;
  await person.open(all);
  await until("the year to be verified", async () => (await person.open(all), (await look.page.title()) !== `${w("auditor.verifying.title")} – Suluh`));
  await look.at("verdict/witnesses");
  await person.click(w("auditor.verdict.access"));
  await look.at("access");
  await person.fill(w("auditor.search.from"), "kemarin");
  await person.click(w("auditor.period.button"));
  await look.at("access/day", { status: 422, focus: w("page.problem.title") });
  await person.open(all + "akses?dari=2026-03-01&sampai=2026-03-31");
  await look.at("access/month");
  await person.open(all + "kejanggalan");
  await look.at("unusual");
  await person.open(all + "kejanggalan?aturan=reported-unit");
  await look.at("unusual/rule");
  await person.click(w("auditor.unusual.case"));
  await look.at("life");
  await person.open(all + "kejanggalan?dari=2020-01-01&sampai=2020-01-02");
  await look.at("unusual/none");
  await person.open(all + "kasus/K-AAAA-AAAA-AAAA-AAAA");
  await look.at("life/none", { status: 404 });
  await person.open(all + "laporan");
  await look.at("report/form");
  await person.fill(w("auditor.search.from"), "2026-10-01");
  await person.fill(w("auditor.search.to"), "2026-12-30");
  await person.click(w("auditor.report.button"));
  await look.at("report");
}
