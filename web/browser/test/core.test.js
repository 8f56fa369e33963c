// The core in node, for a quick loop: npm test. Browsers run the same in test/browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load, vectors } from "./load.js";

test("the shared vectors hold", async () => {
  const { run } = await load();
  const { checks, failures } = await run(vectors());
  assert.deepEqual(failures, []);
  assert.ok(checks > 20);
});
