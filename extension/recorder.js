// The document that nobody sees: it records into the queue and sends from it. It lives until nothing is left to be sent,
// whatever the service worker does, which is suspended meanwhile and asked only for what proves who asks.
import { capture, record } from "./capture.js";
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
  const recording = made && { id: made.id, title: made.title, startedAt: made.startedAt, choosing: !made.recorder };
  news.postMessage({ recording, sending: sender.states() });
  if (!made && sender.idle) ask({ type: "idle" }).catch(() => undefined);
}

/** Begins to record what the person chooses. Throws Error with a sentence for people. */
async function begin({ wanted, server, title }) {
  if (made) throw new Error("Something is being recorded already.");
  made = { title };
  changed();
  try {
    const taken = await capture(wanted);
    await recordInto(taken, await begun(taken, wanted, server, title));
  } catch (error) {
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
  let [stored, broken] = [Promise.resolve(), false];
  const recorder = record(taken, (data) => {
    stored = stored.then(() => {
      if (!data) return ended(queue, source, recording, taken);
      return broken ? undefined : keep(queue, source, recording, data); // what follows a gap could not be played
    }).catch((error) => {
      broken = true;
      failed(error);
    });
  });
  taken.ended.addEventListener("ended", stop);
  made = { id: recording.id, title: recording.title, startedAt: recording.startedAt, recorder };
  await ask({ type: "recording", going: true });
  changed();
}

async function keep(queue, source, recording, data) {
  source.grew(await queue.append(recording.id, await data.arrayBuffer()));
  changed();
}

async function ended(queue, source, recording, taken) {
  taken.release();
  made = null;
  await queue.end(recording.id).catch(() => undefined); // on a full disk: whoever opens the queue next ends it too
  source.end();
  await ask({ type: "recording", going: false });
  changed();
}

/** What cannot be kept is not recorded any further: the person sees it now, and not afterwards. */
function failed(error) {
  ask({ type: "failed", problem: `This computer kept no more of the recording: ${error.message}. What it kept is sent.` });
  stop();
}

function stop() {
  if (made?.recorder && made.recorder.state !== "inactive") made.recorder.stop();
}

const HANDLERS = {
  begin,
  stop: async () => stop(),
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
