// Holds an SBOM to CycloneDX's own schema: node sbom.mjs FOLDER-OF-SCHEMAS FILE. What is
// wrong goes to standard error, a line each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { default: Ajv } = createRequire(new URL("../test/browser/package.json", import.meta.url))("ajv");
const [folder, file] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const bom = read(file);
// Formats are names of RFCs; ajv alone knows none of them.
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
ajv.addSchema(read(join(folder, "spdx.schema.json")));
ajv.addSchema(read(join(folder, "jsf-0.82.schemax.json")), "http://cyclonedx.org/schema/jsf-0.82.schema.json");
const validate = ajv.compile(read(join(folder, `bom-${bom.specVersion}.schema.json`)));
if (!validate(bom)) {
  for (const { instancePath, message } of validate.errors) console.error(`${instancePath}: ${message}`);
  process.exit(1);
}
