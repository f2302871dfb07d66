import assert from "node:assert/strict";
import { test } from "node:test";
import { chainId } from "./image-files.ts";

test("layers are named by all that lies below them", () => {
  // The names of the OCI image specification: a chain of one is its layer, then each hashes what is below it and itself.
  const [first, second] = [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`];
  assert.equal(chainId([first]), first);
  assert.equal(chainId([first, second]), "sha256:9932074217c35353d2e03a3f5a86549f7c67bfeb0ba53e23d69f4d4c8f7958f5");
  assert.equal(chainId([first, second, first]), chainId([chainId([first, second]), first]));
});
