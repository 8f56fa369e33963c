// The core in node, for a quick loop: npm test. Browsers run the same in test/browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundle, vectors } from "./load.js";

test("the shared vectors hold", async () => {
  const core = new Function(`${await bundle("vectors.ts", "core")}; return core;`)();
  const { checks, failures } = await core.run(vectors());
  assert.deepEqual(failures, []);
  assert.ok(checks > 300, `${checks} checks`);
});
