// Uploading: many files at once, each paused, resumed and followed to its last step.
import { get, send } from "../api.js";
import { hasEnded, watch } from "../live.js";
import { h, hidden } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { tell } from "../parts/notice.js";
import { bar, steps } from "../parts/steps.js";
import { size } from "../parts/words.js";
import { title } from "../router.js";
import { FileSource, Upload } from "../tus.js";

const AT_ONCE = 3;
const NAMES = "tidemark-upload:";
const ACCEPTED = "video/*,audio/*,.mkv,.webm";
const ENDPOINT = "/api/v1/uploads";

// What is going on outlives the page: one can look at the library meanwhile.
const entries = [];
let element = null;

export function show(main) {
  title("Upload");
  element = h("ul", { class: "lines gap", "aria-label": "Files" });
  element.append(...entries.map((entry) => entry.element));
  const place = dropPlace();
  main.append(
    h("div", { class: "head" }, h("h1", {}, "Upload")),
    place, brokenOff(), element);
  const end = dropped(place);
  return () => {
    end();
    element = null;
  };
}

addEventListener("online", () => entries.forEach((entry) => entry.upload.wake()));
addEventListener("beforeunload", (event) => {
  if (entries.some((entry) => entry.sending)) event.preventDefault();
});

function dropPlace() {
  const input = h("input", { type: "file", id: "files", multiple: true, accept: ACCEPTED,
    on: { change: () => { take(input.files); input.value = ""; } } });
  return h("div", { class: "drop" }, icon("upload"), h("strong", {}, "Drop recordings here"),
    h("p", {}, "Video or sound, as many as you like. An upload that breaks off goes on where it was."),
    input, h("label", { class: "button", for: "files" }, "Choose files"));
}

/** Takes what is dropped anywhere on the page: beside the place, the browser would leave for the file. Returns its end. */
function dropped(place) {
  const ending = new AbortController();
  const over = (on) => (event) => {
    event.preventDefault();
    place.classList.toggle("over", on);
  };
  const drop = (event) => {
    over(false)(event);
    const folders = [...event.dataTransfer.items].filter((item) => item.webkitGetAsEntry?.()?.isDirectory);
    if (folders.length) tell("A folder cannot be taken as it is. Drop the files that are in it.", "bad");
    else take(event.dataTransfer.files);
  };
  for (const [name, act] of [["dragover", over(true)], ["dragleave", over(false)], ["drop", drop]]) {
    document.addEventListener(name, act, { signal: ending.signal });
  }
  return () => ending.abort();
}

/** What an earlier visit left unfinished: the files themselves have to be named again. */
function brokenOff() {
  const going = new Set(entries.map((entry) => entry.name));
  const names = Object.keys(localStorage).filter((name) => name.startsWith(NAMES) && !going.has(name));
  if (!names.length) return "";
  const files = names.map((name) => name.slice(NAMES.length).split("/").slice(2).join("/"));
  const forget = h("button", { class: "button small", type: "button", on: { click: (event) => {
    names.forEach((name) => localStorage.removeItem(name));
    event.target.closest(".panel").remove();
  } } }, "Forget them");
  return h("div", { class: "panel gap" }, h("h2", {}, "Broken off earlier"),
    h("p", {}, `Choose the same files again to go on where they were: ${files.join(", ")}.`), h("div", { class: "row gap" }, forget));
}

function take(files) {
  for (const file of files) {
    const entry = new Entry(file);
    entries.unshift(entry);
    element?.prepend(entry.element);
  }
  begin();
}

function begin() {
  const busy = entries.filter((entry) => entry.sending).length;
  const waiting = entries.filter((entry) => entry.waiting).reverse();
  for (const entry of waiting.slice(0, Math.max(0, AT_ONCE - busy))) entry.run().finally(begin);
}

/** Why a file need not be sent at all, in a sentence; null where only the service can tell. */
async function unfit(file) {
  if (!file.size) return "This file is empty.";
  if (file.type && !/^(video|audio)\/|octet-stream|ogg|matroska/.test(file.type)) {
    return "This is neither video nor sound. Choose a recording, such as MP4, WebM, MOV, MP3 or WAV.";
  }
  const told = await send(ENDPOINT, { method: "OPTIONS" }).catch(() => null);
  const most = Number(told?.headers.get("Tus-Max-Size")) || Infinity;
  return file.size > most ? `This file has ${size(file.size)}, and at most ${size(most)} are taken here. Send it smaller, or in parts.` : null;
}

/** One file on its way. */
class Entry {
  constructor(file) {
    this.file = file;
    this.waiting = true;
    this.sending = false;
    this.name = `${NAMES}${file.size}/${file.lastModified}/${file.name}`;
    this.said = h("span", {}, `${size(file.size)} · waits its turn`);
    this.progress = bar(`Upload of ${file.name}`);
    this.steps = steps();
    this.why = h("p", { class: "why", role: "alert", hidden: true });
    this.buttons = h("div", { class: "row" });
    this.element = h("li", { class: "panel line" },
      h("div", { class: "top" }, h("div", { class: "what" }, h("strong", {}, file.name), this.said), this.buttons),
      this.progress.element, this.steps.element, this.why);
    this.steps.element.hidden = true;
    this.upload = new Upload({ endpoint: ENDPOINT, source: new FileSource(file), send, store: localStorage,
      name: this.name, metadata: { filename: file.name, filetype: file.type }, seen: (state) => this.seen(state) });
    this.offer();
  }

  async run() {
    this.waiting = false;
    this.sending = true;
    this.offer();
    try {
      const wrong = await unfit(this.file);
      this.hopeless = Boolean(wrong);
      if (wrong) this.fail(wrong);
      else if (await this.upload.run()) await this.follow();
    } catch (problem) {
      this.fail(problem.message);
    } finally {
      this.sending = false;
      this.offer();
    }
  }

  seen({ offset, size: whole, paused, error }) {
    const share = (100 * offset) / whole;
    this.progress.set(share);
    const broken = navigator.onLine ? "the connection broke, trying again" : "no network, goes on by itself when it is back";
    const how = paused ? "paused" : error ? broken : `${Math.floor(share)} %`;
    this.said.textContent = `${size(offset)} of ${size(whole)} · ${how}`;
  }

  async follow() {
    this.sending = false;
    this.done = true;
    this.said.textContent = `${size(this.file.size)} · uploaded`;
    this.progress.element.hidden = true;
    this.steps.element.hidden = false;
    this.offer();
    const recording = await get(`/api/v1/recordings/${this.upload.id}`);
    watch(recording.job_id, (job) => {
      this.steps.set(job);
      if (hasEnded(job.status)) this.said.textContent = `${size(this.file.size)} · ${job.status === "completed" ? "ready" : "not everything worked"}`;
    });
  }

  fail(text) {
    this.failed = true;
    this.progress.element.hidden = true;
    this.why.hidden = false;
    this.why.textContent = text;
    this.said.textContent = size(this.file.size);
  }

  offer() {
    const button = (text, name, act) => h("button", { class: "button small", type: "button", on: { click: act } },
      icon(name), text, hidden(` ${this.file.name}`));
    const again = () => {
      Object.assign(this, { failed: false, waiting: true });
      this.why.hidden = true;
      this.progress.element.hidden = false;
      begin();
    };
    const stop = () => {
      this.upload.cancel();
      entries.splice(entries.indexOf(this), 1);
      this.element.remove();
    };
    const turn = this.upload.paused
      ? button("Go on", "play", () => { this.upload.resume(); this.offer(); })
      : button("Pause", "pause", () => { this.upload.pause(); this.offer(); });
    const open = h("a", { class: "button small main", href: `/recordings/${this.upload.id}` }, "Open", hidden(` ${this.file.name}`));
    this.buttons.replaceChildren(...(this.done ? [open] : [this.failed && !this.hopeless ? button("Try again", "again", again) : "",
      this.sending ? turn : "", button("Remove", "close", stop)]));
  }
}
