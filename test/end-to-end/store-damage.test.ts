// Files of the embedded store that are not as they were left: a clear refusal that says what to do, or everything as it was. Never less.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nodeDatabases } from "../../src/platform/node/database.ts";
import { DatabaseError } from "../../src/platform/database.ts";
import { SeededRandom } from "../../src/platform/simulated/random.ts";
import { readImage } from "../../src/store/disk/image.ts";
import { ask, startDevProcess } from "../support/dev-process.ts";
import { keelson } from "../support/keelson.ts";

const folder = mkdtempSync(join(tmpdir(), "keelson-damage-"));
const at = (name: string) => join(folder, name);
const flipsEach = 60;
after(() => rmSync(folder, { recursive: true, force: true }));

/** As a kill leaves it (all in the log), as a checkpoint and a kill leave it (some in the log), and as it is closed. */
const states = ["in the log", "half in the log", "closed"] as const;

before(async () => {
  const maps = "/api/v1/namespaces/default/configmaps";
  const make = async (data: string, objects: number, signal: "SIGKILL" | "SIGTERM") => {
    const server = await startDevProcess(folder, { more: ["--nodes", "0", "--data-dir", at(data)] });
    for (let count = 0; count < objects; count++)
      assert.equal(
        (await ask(server, "POST", maps, { metadata: { generateName: "map-" }, data: { text: "x".repeat(9_000) } })).status,
        201,
      );
    await server.kill(signal);
  };
  await make("in the log", 20, "SIGKILL");
  cpSync(at("in the log"), at("closed"), { recursive: true });
  await make("closed", 20, "SIGTERM");
  cpSync(at("closed"), at("half in the log"), { recursive: true });
  await make("half in the log", 30, "SIGKILL");
});

let copies = 0;
function copyOf(state: string): string {
  const copy = at(`copy-${++copies}`);
  mkdirSync(copy);
  for (const name of readdirSync(at(state)).filter((one) => /^(store|store-wal|store-mark|certificates.json)$/.test(one)))
    cpSync(join(at(state), name), join(copy, name));
  return copy;
}

/** Every key with its revision and object; or how it was refused. */
async function contentOf(data: string): Promise<string | DatabaseError> {
  try {
    const database = await nodeDatabases().open(join(data, "store"));
    try {
      const { revision, versions } = await readImage(database);
      return JSON.stringify([
        revision,
        ...versions.map(({ key, modRevision, value }) => [key, modRevision, Buffer.from(value).toString("base64")]),
      ]);
    } finally {
      await database.close();
    }
  } catch (error) {
    assert.ok(error instanceof DatabaseError, String(error));
    return error;
  }
}

const files = ["store", "store-wal", "store-mark"];

for (const state of states) {
  test(`D5 a flipped bit anywhere in a store that is ${state}: refused, or nothing is lost`, async () => {
    const whole = await contentOf(copyOf(state));
    assert.equal(typeof whole, "string");
    const random = new SeededRandom(state.length);
    let refused = 0;
    for (const name of files.filter((one) => existsSync(join(at(state), one)))) {
      const bytes = readFileSync(join(at(state), name));
      // The header, and then anywhere.
      const heads = name === "store-mark" ? [0, 8, 512, 520] : [0, 16, 18, 19, 20, 28, 44, 56, 60, 68, 96, 100, 103, 108];
      const places = [...heads, ...Array.from({ length: flipsEach }, () => random.integer(bytes.length))];
      for (const place of places.filter((one) => one < bytes.length)) {
        const copy = copyOf(state);
        const changed = Buffer.from(bytes);
        changed[place] = (changed[place] as number) ^ (1 << random.integer(8));
        writeFileSync(join(copy, name), changed);
        const content = await contentOf(copy);
        if (content instanceof DatabaseError) refused++;
        else assert.ok(content === whole, `${name}, byte ${place}: what was acknowledged is gone, and nobody said so`);
        rmSync(copy, { recursive: true });
      }
    }
    assert.ok(refused > 20, `${refused} flips were found`);
  });

  test(`D5 a file of a store that is ${state} is cut, emptied or gone: refused, or nothing is lost`, async () => {
    const whole = await contentOf(copyOf(state));
    for (const name of files.filter((one) => existsSync(join(at(state), one)))) {
      const bytes = readFileSync(join(at(state), name));
      for (const length of [-1, 0, 1, 100, 512, 4096, bytes.length >> 1, bytes.length - 16384, bytes.length - 1]) {
        const copy = copyOf(state);
        if (length < 0) rmSync(join(copy, name));
        else writeFileSync(join(copy, name), bytes.subarray(0, length));
        const content = await contentOf(copy);
        assert.ok(content instanceof DatabaseError || content === whole, `${name} cut to ${length} bytes: a silent loss`);
        rmSync(copy, { recursive: true });
      }
    }
  });
}

test("the server says what is wrong with its store, and what to do", async () => {
  const starts = async (data: string) => {
    const { code, text } = await keelson("dev", "--port", "0", "--nodes", "0", "--data-dir", data);
    assert.equal(code, 1, text);
    assert.doesNotMatch(text, /\n +at /);
    return text;
  };
  const cut = copyOf("closed");
  writeFileSync(join(cut, "store"), readFileSync(join(cut, "store")).subarray(0, 16384 * 3));
  assert.match(await starts(cut), /cannot be used: [^]*keelson snapshot restore/);
  const lost = copyOf("in the log");
  rmSync(join(lost, "store-wal"));
  assert.match(await starts(lost), /has lost its last \d+ acknowledged commits[^]*keelson snapshot restore/);
  const emptied = copyOf("closed");
  writeFileSync(join(emptied, "store"), "");
  assert.match(await starts(emptied), /has lost its last \d+ acknowledged commits/);
  const foreign = at("foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "store"), "something else ".repeat(1_000));
  assert.match(await starts(foreign), /is not a database[^]*--data-dir/);
  const newer = copyOf("closed");
  const made = spawnSync(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "--eval",
    `import { DatabaseSync } from "node:sqlite"; new DatabaseSync(${JSON.stringify(join(newer, "store"))}).exec("PRAGMA user_version = 9");`,
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  assert.match(await starts(newer), /written by a newer version \(format 9, known 1\)[^]*newer keelson/);
  const server = await startDevProcess(folder, { more: ["--nodes", "0", "--data-dir", at("closed")] });
  try {
    assert.match(await starts(at("closed")), /in use by another process[^]*Stop/);
    assert.equal((await ask(server, "GET", "/readyz")).status, 200);
  } finally {
    await server.kill("SIGTERM");
  }
});
