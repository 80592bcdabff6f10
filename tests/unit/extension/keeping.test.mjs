// What a recorder brings is kept in order, up to the moment when the disk takes nothing more.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock, Keeping, shown, toldOfDisk } from "../../../extension/keeping.js";

const full = () => new DOMException("no room", "QuotaExceededError");

function setting({ room }) {
  const kept = [];
  const queue = {
    ended: false,
    append: async (id, bytes) => {
      if (kept.length >= room) throw full();
      kept.push(new TextDecoder().decode(bytes));
      return kept.join("").length;
    },
    end: async () => {
      if (kept.length >= room) throw full();
      queue.ended = true;
    },
  };
  const source = { grown: [], over: false, grew: (size) => source.grown.push(size), end: () => (source.over = true) };
  const failures = [];
  const keeping = new Keeping({ queue, source, recording: { id: "one" }, failed: (error) => failures.push(error), changed: () => undefined });
  return { queue, source, kept, failures, keeping };
}

test("a second that the disk refuses ends the recording, and takes nothing away", async () => {
  const { source, kept, failures, keeping } = setting({ room: 2 });
  for (const text of ["ab", "cd", "ef", "gh"]) keeping.take(new Blob([text]));
  await keeping.end();
  assert.deepEqual([kept, source.grown, source.over], [["ab", "cd"], [2, 4], true]);
  assert.equal(failures.length, 1);
  assert.match(toldOfDisk(failures[0]), /disk is full/);
});

test("nothing is kept behind a gap, though there is room again", async () => {
  const { queue, kept, keeping } = setting({ room: 9 });
  const { append } = queue;
  queue.append = async () => {
    throw full();
  };
  keeping.take(new Blob(["ab"]));
  await keeping.done;
  queue.append = append;
  keeping.take(new Blob(["cd"]));
  await keeping.end();
  assert.deepEqual([kept, queue.ended], [[], true]);
});

test("the clock stands still in a pause", () => {
  let now = 1000;
  const clock = new Clock(() => now);
  clock.run();
  now += 500;
  clock.rest();
  now += 10_000;
  assert.equal(shown(clock.state, now), 500);
  clock.run();
  now += 250;
  clock.run();
  assert.equal(shown(clock.state, now), 750);
});
