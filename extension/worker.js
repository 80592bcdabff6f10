// The service worker: it opens the document that records and sends, closes it when nothing is left, and knows what proves
// who asks. It keeps nothing in memory that counts, and may be suspended at any moment.
import { NotSignedIn, proof, settings } from "./account.js";
import { openQueue } from "./queue.js";

const DOCUMENT = "recorder.html";
const WATCH = "watch";
const BADGES = { going: "REC", paused: "II", ended: "" };
let turn = Promise.resolve();

/** Opens the document if something waits to be sent, and sees to it that it stays open as long. */
async function attend() {
  if (await isOpen()) return;
  const queue = await openQueue();
  const waiting = await queue.waiting();
  queue.database.close();
  if (waiting.length) await open();
  else await chrome.alarms.clear(WATCH);
}

async function open() {
  await chrome.alarms.create(WATCH, { periodInMinutes: 0.5 });
  if (await isOpen()) return;
  await chrome.offscreen.createDocument({
    url: DOCUMENT,
    reasons: ["DISPLAY_MEDIA", "USER_MEDIA", "BLOBS"],
    justification: "Records the screen and the microphone, and sends what was recorded to your server.",
  });
}

async function close() {
  if (!(await isOpen())) return;
  const { busy } = await recorder({ type: "state" });
  if (busy) return;
  await chrome.offscreen.closeDocument();
  await chrome.alarms.clear(WATCH);
}

async function isOpen() {
  const found = await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] });
  return found.length > 0;
}

const recorder = (message) => chrome.runtime.sendMessage({ to: "recorder", ...message });

/** One after the other: the document is not closed while somebody is about to use it. */
function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => undefined);
  return done;
}

async function begin({ wanted, title }) {
  const { server, quality, fps } = await settings();
  if (!server) throw new Error("Choose a server in the options first.");
  await chrome.storage.session.remove("problem");
  const begun = await inTurn(async () => {
    await open();
    return { answer: recorder({ type: "begin", wanted: { ...wanted, quality, fps }, server, title }) };
  });
  const answer = await begun.answer;
  if (answer.error) await failed({ problem: answer.error });
  return answer;
}

/** Keeps what went wrong for whoever opens the popup next: it is closed while a screen is chosen. */
async function failed({ problem }) {
  await chrome.storage.session.set({ problem });
  await badge("!");
}

async function proved({ server, stale }) {
  try {
    return { headers: await proof(server, stale) };
  } catch (error) {
    if (error instanceof NotSignedIn) return { refused: error.message };
    throw error;
  }
}

async function badge(text) {
  await chrome.action.setBadgeBackgroundColor({ color: "#b3261e" });
  await chrome.action.setBadgeText({ text });
}

async function forwarded(message) {
  await inTurn(attend);
  return (await isOpen()) ? recorder(message) : {};
}

const HANDLERS = {
  attend: () => inTurn(attend),
  begin,
  stop: () => forwarded({ type: "stop" }),
  pause: () => forwarded({ type: "pause" }),
  resume: () => forwarded({ type: "resume" }),
  retry: () => forwarded({ type: "retry" }),
  discard: ({ id }) => forwarded({ type: "discard", id }),
  idle: () => inTurn(close),
  proof: proved,
  recording: ({ state }) => badge(BADGES[state]),
  failed,
};

chrome.runtime.onMessage.addListener((message, _, answer) => {
  if (message.to !== "worker") return false;
  HANDLERS[message.type](message).then((result) => answer(result ?? {}), (error) => answer({ error: error.message }));
  return true;
});
chrome.runtime.onStartup.addListener(() => inTurn(attend));
chrome.runtime.onInstalled.addListener(() => inTurn(attend));
// With somebody listening, an update waits for the browser's next start; else it would end a recording.
chrome.runtime.onUpdateAvailable.addListener(() => undefined);
chrome.alarms.onAlarm.addListener(() => inTurn(attend));
chrome.storage.local.setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" });
