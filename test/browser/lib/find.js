// Runs in the page. Finds what a person means by a name: the field under a visible
// label, or the button, link or summary with these words. Words are compared whole
// first, then from their beginning, so that "Sandi" never takes "Sandi lama"; a button
// comes before a link of the same words.
export function find({ kind, name }) {
  const words = (node) => (node.innerText || node.textContent).replace(/\s+/g, " ").trim();
  const shown = (node) => node.getClientRects().length > 0;
  const selectors = kind === "field" ? ["label"] : ["button, summary", "a[href]"];
  const candidates = selectors.flatMap((s) => [...document.querySelectorAll(s)]).filter(shown);
  const match = candidates.find((c) => words(c) === name) ?? candidates.find((c) => words(c).startsWith(name));
  return match && kind === "field" ? match.control : match ?? null;
}
