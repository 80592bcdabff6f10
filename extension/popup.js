// The popup: what is being recorded, what was said, what waits to be sent, and where the results are.
import { settings, signedIn } from "./account.js";
import { follow } from "./following.js";
import { shown } from "./keeping.js";
import { openQueue } from "./queue.js";

const CLOCK_MS = 250;
const FRESH_MS = 15 * 60_000;
const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const by = (id) => document.getElementById(id);
const ask = (message) => chrome.runtime.sendMessage({ to: "worker", ...message });
const news = new BroadcastChannel("tidemark");

let recording = null;
let followed = null;
let unfollow = () => undefined;

async function show({ recording: going, sending }) {
  recording = going;
  const [configured, person, results] = [await settings(), await signedIn(), await finished()];
  const usable = Boolean(configured.server && person);
  by("setup").hidden = usable || Boolean(recording);
  by("wanted").hidden = !usable || Boolean(recording);
  by("recording").hidden = !recording;
  if (recording) showRecording(sending.find(({ id }) => id === recording.id));
  const ended = sending.filter(({ id }) => id !== recording?.id);
  const later = results.filter(({ id }) => !ended.some(({ result }) => result === id));
  const fresh = !recording && (ended.length > 0 || isFresh(later[0]));
  showKept([...ended.reverse().map(waitingRow), ...later.map(resultRow)], fresh ? 1 : 0);
  showWords(sending, results);
}

async function finished() {
  const queue = await openQueue();
  const results = await queue.results();
  queue.database.close();
  return results;
}

function showRecording(state) {
  by("name").textContent = recording.title;
  by("state").hidden = recording.choosing;
  by("acts").hidden = recording.choosing;
  by("progress").textContent = recording.choosing ? "Choose what is to be recorded." : kept(state);
  if (recording.choosing) return;
  by("state").classList.toggle("resting", resting());
  by("paused").hidden = !resting();
  by("pause").textContent = resting() ? "Go on" : "Pause";
  showClock();
}

const resting = () => recording.clock.since === null;

function showClock() {
  if (recording?.clock) by("clock").textContent = clock(shown(recording.clock) / 1000);
}

function kept({ stored, sent, problem }) {
  if (problem) return `${size(stored)} kept on this computer. ${problem}`;
  return `${size(stored)} kept, ${stored > sent ? `${size(stored - sent)} on the way` : "all of it at the server"}`;
}

/** The one that has just been recorded comes first of all, earlier ones at the end. */
function showKept(rows, fresh) {
  by("latest").hidden = !fresh;
  by("latest").replaceChildren(...rows.slice(0, fresh));
  by("kept").hidden = rows.length <= fresh;
  by("list").replaceChildren(...rows.slice(fresh));
}

const isFresh = (result) => Boolean(result) && Date.now() - result.endedAt < FRESH_MS;

function waitingRow(state) {
  const row = element("li", {}, titled(state, state.result), element("progress", { max: state.stored || 1, value: state.sent, ariaLabel: `How much of ${state.title} is sent` }));
  row.append(element("p", { className: "soft", textContent: `${size(state.sent)} of ${size(state.stored)} sent. ${state.problem ?? ""}` }));
  if (state.problem) row.append(element("div", { className: "row" }, button("Try again", () => ask({ type: "retry" })), copying(state), discarding(state)));
  return row;
}

/** For a server that may never be reached again: what was recorded, as a file. */
const copying = ({ id, title }) => button("Save a copy", async () => {
  const queue = await openQueue();
  const href = URL.createObjectURL(await queue.copy(id));
  queue.database.close();
  element("a", { href, download: `${title.replaceAll(/[^\p{L}\p{N} ._-]+/gu, "-")}.webm` }).click();
});

function discarding(state) {
  const made = button("Discard", () => {
    if (made.dataset.sure) return ask({ type: "discard", id: state.id });
    made.dataset.sure = "yes";
    made.textContent = "Delete it for good";
    return undefined;
  });
  return made;
}

const resultRow = (result) => element("li", {}, titled(result, result.id), element("p", { className: "soft", textContent: `Kept by the server, ${WHEN.format(result.endedAt)}` }));

function titled({ title, server }, id) {
  if (!id) return element("strong", { textContent: title });
  return element("a", { href: new URL(`/recordings/${encodeURIComponent(id)}`, server).href, target: "_blank", rel: "noreferrer", textContent: title });
}

/** The words of what is being recorded, else of what was recorded last. */
function showWords(sending, results) {
  const live = recording ? sending.find(({ id }) => id === recording.id) : sending.at(-1);
  const last = !recording && isFresh(results[0]) ? results[0] : null;
  const wanted = live ? live.result && { id: live.result, server: live.server } : last;
  by("words").hidden = !wanted;
  if ((wanted?.id ?? null) === followed) return;
  unfollow();
  followed = wanted?.id ?? null;
  by("transcript").replaceChildren(element("p", { className: "soft", textContent: "What is said appears here." }));
  unfollow = wanted ? follow({ ...wanted, proof, show: showTranscript }) : () => undefined;
}

async function proof(server, stale) {
  const answer = await ask({ type: "proof", server, stale });
  if (!answer.headers) throw new Error(answer.refused ?? answer.error);
  return answer.headers;
}

function showTranscript(segments, draft) {
  if (!segments.length && !draft) return;
  const box = by("transcript");
  const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 8;
  const said = segments.map((segment) => element("p", {}, element("span", { className: "time", textContent: clock(segment.start) }), segment.text));
  if (draft) said.push(element("p", { className: "draft", textContent: draft }));
  box.replaceChildren(...said);
  if (atEnd) box.scrollTop = box.scrollHeight;
}

async function begin(event) {
  event.preventDefault();
  tell("");
  if (by("microphone").checked && (await navigator.permissions.query({ name: "microphone" })).state !== "granted") {
    tell("Allow the microphone in the options first, or record without it.");
    return;
  }
  const wanted = {
    surface: document.querySelector("[name=surface]:checked").value,
    sound: by("sound").checked,
    microphone: by("microphone").checked,
  };
  const answer = await ask({ type: "begin", wanted, title: by("title").value.trim() || by("title").placeholder });
  tell(answer.error ?? "");
}

function tell(problem) {
  by("problem").hidden = !problem;
  by("problem").textContent = problem;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const button = (textContent, act) => {
  const made = element("button", { type: "button", className: "plain", textContent });
  made.addEventListener("click", act);
  return made;
};

const size = (bytes) => (bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function clock(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

async function open() {
  by("title").placeholder = `Recording of ${WHEN.format(new Date())}`;
  await show({ recording: null, sending: [] });
  news.postMessage({ ask: true });
  await ask({ type: "attend" });
  const { problem = "" } = await chrome.storage.session.get("problem");
  tell(problem);
  await chrome.storage.session.remove("problem");
}

let showing = Promise.resolve();
news.addEventListener("message", ({ data }) => data.sending && (showing = showing.then(() => show(data))));
setInterval(showClock, CLOCK_MS);
by("wanted").addEventListener("submit", begin);
by("pause").addEventListener("click", () => ask({ type: resting() ? "resume" : "pause" }));
by("stop").addEventListener("click", () => ask({ type: "stop" }));
for (const id of ["options", "set-up"]) by(id).addEventListener("click", () => chrome.runtime.openOptionsPage());
showing = open();
