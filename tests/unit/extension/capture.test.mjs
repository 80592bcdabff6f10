// What the browser is asked for, and what a person is told when it says no.
import assert from "node:assert/strict";
import { test } from "node:test";

import { capture } from "../../../extension/capture.js";

class Stream {
  constructor(kinds = ["video"]) {
    this.tracks = kinds.map((kind) => ({ kind, stopped: false, stop() { this.stopped = true; } }));
  }

  getTracks = () => this.tracks;
  getVideoTracks = () => this.tracks.filter(({ kind }) => kind === "video");
  getAudioTracks = () => this.tracks.filter(({ kind }) => kind === "audio");
}

const WANTED = { surface: "tab", sound: true, microphone: false, quality: "low", fps: 5 };
const no = (name) => async () => {
  throw new DOMException("no", name);
};

function devices(mediaDevices) {
  globalThis.MediaStream = Stream;
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
}

for (const [surface, displaySurface] of [["tab", "browser"], ["window", "window"], ["screen", "monitor"]]) {
  test(`a ${surface} is offered first where it is wanted, as large and as often as the options say`, async () => {
    let asked = null;
    devices({ getDisplayMedia: async (options) => ((asked = options), new Stream()) });
    await capture({ ...WANTED, surface });
    assert.deepEqual(asked.video, { displaySurface, frameRate: { max: 5 }, width: { max: 1280 }, height: { max: 720 } });
    assert.deepEqual([asked.audio, asked.systemAudio], [true, "include"]);
  });
}

test("without its sound none is asked for", async () => {
  let asked = null;
  devices({ getDisplayMedia: async (options) => ((asked = options), new Stream()) });
  await capture({ ...WANTED, sound: false });
  assert.deepEqual([asked.audio, asked.systemAudio], [false, "exclude"]);
});

test("a refusal says what to do, and leaves nothing shared", async () => {
  devices({ getDisplayMedia: no("NotAllowedError") });
  await assert.rejects(capture(WANTED), /Begin again and choose a tab, window or screen/);
  const shown = new Stream();
  devices({ getDisplayMedia: async () => shown, getUserMedia: no("NotFoundError") });
  await assert.rejects(capture({ ...WANTED, microphone: true }), /connect one, or record without it/);
  assert.ok(shown.tracks.every(({ stopped }) => stopped));
});
