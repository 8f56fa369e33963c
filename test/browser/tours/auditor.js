// Every page that an auditor may see, in each of its states.
export async function auditor(look, { demo, path, w }) {
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
}
