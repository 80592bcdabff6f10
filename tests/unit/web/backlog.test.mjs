// What is recorded in the page, on its way to the service.
import assert from "node:assert/strict";
import { test } from "node:test";

import { BacklogSource } from "../../../web/parts/backlog.js";

const RECORDING = { id: "one", size: 0, ended: false, address: null };
const backlog = { bytesFrom: async (id, offset) => new Blob([`${id} from ${offset}`]) };
const LONG_MS = 60_000;

test("while nothing comes the service hears that it will go on", async () => {
  const source = new BacklogSource(backlog, RECORDING, 5);
  assert.equal((await source.read(0)).size, 0);
});

test("what comes is sent at once", async () => {
  const source = new BacklogSource(backlog, RECORDING, LONG_MS);
  const reading = source.read(0);
  await new Promise((turn) => setTimeout(turn)); // it waits by now
  source.grew(7);
  assert.equal(await (await reading).text(), "one from 0");
});

test("after the last byte nothing follows", async () => {
  const source = new BacklogSource(backlog, RECORDING, LONG_MS);
  const reading = source.read(0);
  await new Promise((turn) => setTimeout(turn)); // it waits by now
  source.end();
  assert.equal(await reading, null);
});
