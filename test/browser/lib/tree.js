// What a screen reader hears, from Chromium's accessibility tree: a line for each role
// with its name, level, description and state, indented as it is nested.

const silent = new Set(["none", "generic", "InlineTextBox", "LineBreak", "ListMarker", "paragraph", "StaticText", "RootWebArea",
  "HeaderAsNonLandmark", "FooterAsNonLandmark", "emphasis", "strong", "mark", "code", "rowgroup", "DescriptionList", "Pre", "DisclosureTriangle", "LayoutTable"]);

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
    for (const id of node.childIds ?? []) if (byId.has(id)) walk(byId.get(id), next, said);
  };
  walk(nodes[0], 0, "");
  return lines.join("\n") + "\n";
}

function properties(node) {
  const said = [];
  for (const { name, value } of node.properties ?? []) {
    const v = value.value;
    if (name === "level") said.push(`level ${v}`);
    if (name === "checked") said.push(v === "true" ? "checked" : "not checked");
    if (name === "expanded") said.push(v ? "expanded" : "collapsed");
    if (name === "focused" && v) said.push("focused");
    if (name === "invalid" && v !== "false") said.push("invalid");
    if (name === "required" && v) said.push("required");
    if (name === "multiline" && v) said.push("several lines");
  }
  if (node.description?.value) said.push(`– ${node.description.value}`);
  if (node.value?.value) said.push(`= ${String(node.value.value).replace(/\s+/g, " ")}`);
  return said;
}
