// What a screen reader hears, from Chromium's accessibility tree: a line for each role
// with its name, level, description and state, indented as it is nested.

const silent = new Set(["none", "generic", "InlineTextBox", "LineBreak", "ListMarker", "paragraph", "StaticText", "RootWebArea",
  "HeaderAsNonLandmark", "FooterAsNonLandmark", "emphasis", "strong", "mark", "code", "rowgroup", "DescriptionList", "Pre", "LayoutTable"]);

// What differs from one day, one key or one case to the next is named instead.
const masks = [
  [/\b\d{1,2} \p{L}+ 20\d\d\b/gu, "‹day›"],
  [/\b\d\d[.:]\d\d (WIB|WITA|WIT|UTC)\b/g, "‹time›"],
  [/\bK(-[A-Z2-9]{4}){4}\b/g, "‹case›"],
  [/\b[a-z2-7]{24}\b/g, "‹ref›"],
  [/\+[0-9a-f]{8}\+[A-Za-z0-9+/]{40,}=*/g, "‹key›"],
  [/[A-Za-z0-9+/]{42,}=*/g, "‹digest›"],
  [/(terlambat )?\d+ hari kerja( lagi)?|\d+ working days? (late|left)|(?<=“)(hari ini|today)(?=”)/g, "‹due›"],
  [/\((catatan|record) \d+\)/g, "($1 ‹n›)"],
  [/(?<=^ *(page|heading) “.*)\b\d+ (perlu tindakan|needs? action)/g, "‹n› $2"],
];
const mask = (line) => masks.reduce((l, [pattern, name]) => l.replace(pattern, name), line);

// Of a long table only its head is kept: its rows come and go.
const longest = 5;
function shorten(lines) {
  const depth = (line) => line.search(/\S/);
  const rows = lines.map((line, i) => (/^ *row\b/.test(line) ? i : -1)).filter((i) => i >= 0);
  if (rows.length <= longest) return lines;
  const end = lines.findIndex((line, i) => i > rows.at(-1) && depth(line) <= depth(lines[rows[0]]));
  return [...lines.slice(0, rows[1]), " ".repeat(depth(lines[rows[1]])) + "‹rows›", ...(end < 0 ? [] : lines.slice(end))];
}

export async function tree(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const byId = new Map(nodes.map((n) => [n.nodeId, n]));
  const lines = [];
  const walk = (node, depth, spoken) => {
    const role = node.role?.value;
    const name = (node.name?.value ?? "").replace(/\s+/g, " ").trim();
    let next = depth;
    let said = spoken;
    if (!node.ignored && role === "StaticText") {
      // A name that was said already, as a heading's or a button's, is not said again;
      // a label and a legend are said with their field.
      if (name && spoken !== null && !spoken.includes(name)) lines.push("  ".repeat(depth) + name);
    } else if (!node.ignored && role === "RootWebArea") {
      lines.push(`page “${name}”`);
      next++;
    } else if (role === "LabelText" || role === "Legend") {
      said = null;
    } else if (!node.ignored && !silent.has(role)) {
      lines.push("  ".repeat(depth) + [role, name && `“${name}”`, ...properties(node)].filter(Boolean).join(" "));
      next++;
      said = name;
    }
    if (!/^(textbox|searchbox)$/.test(role)) for (const id of node.childIds ?? []) if (byId.has(id)) walk(byId.get(id), next, said);
  };
  walk(nodes[0], 0, "");
  return shorten(lines).map(mask).join("\n") + "\n";
}

function properties(node) {
  const said = [];
  for (const { name, value } of node.properties ?? []) {
    const v = value.value;
    if (name === "level" && node.role.value !== "listitem") said.push(`level ${v}`);
    if (name === "checked") said.push(v === "true" ? "checked" : "not checked");
    if (name === "expanded") said.push(v ? "expanded" : "collapsed");
    if (name === "invalid" && v !== "false") said.push("invalid");
    if (name === "required" && v) said.push("required");
    if (name === "multiline" && v) said.push("several lines");
  }
  if (node.description?.value) said.push(`– ${node.description.value}`);
  if (node.value?.value) said.push(`= ${String(node.value.value).replace(/\s+/g, " ")}`);
  return said;
}
