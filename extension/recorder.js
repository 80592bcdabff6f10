// The document that nobody sees: it records into the queue and sends from it. It lives until nothing is left to be sent,
// whatever the service worker does, which is suspended meanwhile and asked only for what proves who asks.
import { capture, record } from "./capture.js";
import { Clock, Keeping, toldOfDisk } from "./keeping.js";
import { openQueue } from "./queue.js";
import { Sender } from "./sending.js";

const news = new BroadcastChannel("tidemark");
let made = null;

const ask = (message) => chrome.runtime.sendMessage({ to: "worker", ...message });

const ready = openQueue().then(async (queue) => {
  const proof = (server, stale) => ask({ type: "proof", server, stale });
  const sender = new Sender({ queue, proof, changed });
  for (const recording of await queue.waiting()) {
    await queue.end(recording.id); // whoever recorded it is gone: what there is, is all
    sender.add({ ...recording, ended: true });
  }
  return { queue, sender };
});
ready.then(changed, (error) => ask({ type: "failed", problem: `What waits to be sent cannot be read: ${error.message}` }));

async function changed() {
  const { sender } = await ready;
  const recording = made && { id: made.id, title: made.title, choosing: !made.recorder, clock: made.clock?.state };
  news.postMessage({ recording, sending: sender.states() });
  if (!made && sender.idle) ask({ type: "idle" }).catch(() => undefined);
}

/** Begins to record what the person chooses. Throws Error with a sentence for people. */
async function begin({ wanted, server, title }) {
  if (made) throw new Error("Something is being recorded already.");
  made = { title };
  changed();
  let taken = null;
  try {
    taken = await capture(wanted);
    await recordInto(taken, await begun(taken, wanted, server, title));
  } catch (error) {
    taken?.release();
    made = null;
    changed();
    throw error;
  }
}

async function begun(taken, { quality, fps }, server, title) {
  const { queue } = await ready;
  const metadata = {
    filename: "recording.webm", filetype: "video/webm", title, quality, fps,
    has_system_audio: taken.systemSound, has_microphone: taken.microphone,
  };
  return queue.begin({ title, server, metadata });
}

async function recordInto(taken, recording) {
  const { queue, sender } = await ready;
  const source = sender.add(recording);
  const keeping = new Keeping({ queue, source, recording, failed, changed });
  const recorder = record(taken, (data) => (data ? keeping.take(data) : ended(keeping, taken)));
  const clock = new Clock();
  clock.run();
  taken.ended.addEventListener("ended", stop);
  made = { id: recording.id, title: recording.title, recorder, clock };
  await ask({ type: "recording", state: "going" });
  changed();
}

async function ended(keeping, taken) {
  taken.release();
  made = null;
  await keeping.end();
  await ask({ type: "recording", state: "ended" });
  changed();
}

/** What cannot be kept is not recorded any further: the person sees it now, and not afterwards. */
function failed(error) {
  const problem = `The recording was stopped: ${toldOfDisk(error)}. What was kept until then is sent.`;
  ask({ type: "failed", problem });
  stop();
}

async function pause() {
  if (made?.recorder?.state !== "recording") return;
  made.recorder.pause();
  await paced("paused", () => made.clock.rest());
}

async function resume() {
  if (made?.recorder?.state !== "paused") return;
  made.recorder.resume();
  await paced("going", () => made.clock.run());
}

async function paced(state, turn) {
  turn();
  changed();
  await ask({ type: "recording", state });
}

function stop() {
  if (made?.recorder && made.recorder.state !== "inactive") made.recorder.stop();
}

const HANDLERS = {
  begin,
  stop: async () => stop(),
  pause,
  resume,
  retry: async () => (await ready).sender.retry(),
  discard: async ({ id }) => (await ready).sender.discard(id),
  state: async () => ({ busy: Boolean(made) || !(await ready).sender.idle }),
};

chrome.runtime.onMessage.addListener((message, _, answer) => {
  if (message.to !== "recorder") return false;
  HANDLERS[message.type](message).then((result) => answer(result ?? {}), (error) => answer({ error: error.message }));
  return true;
});
news.addEventListener("message", ({ data }) => data.ask && changed());
addEventListener("online", async () => (await ready).sender.retry());
