// Recording in the page: each second goes out by a resumable upload while the next is made; the words come beside it.
import { call, get } from "../api.js";
import { watch } from "../live.js";
import { BacklogSource, openBacklog } from "../parts/backlog.js";
import { capture, NotAllowed, possible, recorder } from "../parts/capture.js";
import { h } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { leftover, uploadOf } from "../parts/leftover.js";
import { empty, failed, tell, tellProblem } from "../parts/notice.js";
import { TranscriptView } from "../parts/transcript.js";
import { clock, size } from "../parts/words.js";
import { go, title } from "../router.js";

const CHUNK_MS = 1000;
const LOOK_MS = 2000;
const SECONDS = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
let studio = null;

export function show(main) {
  title("Record");
  if (!possible()) {
    main.append(empty("warning", "This browser cannot record here",
      "Recording needs a current browser and an address that starts with https. Files can be uploaded all the same.",
      h("a", { class: "button main", href: "/upload" }, icon("upload"), "Upload files")));
    return undefined;
  }
  const visit = { over: false };
  enter(main, visit).catch((problem) => visit.over || failed(main, problem, () => location.reload()));
  return () => (visit.over = true);
}

async function enter(main, visit) {
  const [backlog, { id }] = await Promise.all([openBacklog(), get("/api/v1/account")]);
  const left = await leftover(backlog, id);
  if (visit.over) return;
  studio = studio?.going ? studio : new Studio(backlog, id);
  main.append(h("div", { class: "head" }, h("h1", {}, "Record"), h("p", { class: "lead" },
    "Every second is kept on this computer until the service has it. A network that breaks loses nothing, nor does a browser that closes.")),
  left, studio.element);
}

addEventListener("beforeunload", (event) => studio?.going && event.preventDefault());

/** One recording, from its sources to its end. It goes on while other pages are looked at. */
class Studio {
  constructor(backlog, owner) {
    Object.assign(this, { backlog, owner });
    this.stored = Promise.resolve();
    this.preview = h("video", { muted: true, playsinline: true, "aria-label": "What is being recorded", hidden: true });
    this.preview.muted = true;
    this.hint = h("p", {}, "Choose what to record, then begin.");
    this.name = h("input", { type: "text", id: "record-title", maxlength: 200, value: `Recording of ${SECONDS.format(new Date())}` });
    this.screen = h("input", { type: "checkbox", id: "record-screen", checked: Boolean(navigator.mediaDevices.getDisplayMedia) });
    this.microphone = h("input", { type: "checkbox", id: "record-microphone", checked: true });
    this.screen.disabled = !navigator.mediaDevices.getDisplayMedia;
    this.sources = h("fieldset", { class: "sources" }, h("legend", { class: "hidden" }, "What is recorded"),
      h("label", { for: "record-screen" }, this.screen, icon("screen"), "Screen, window or tab, with its sound"),
      h("label", { for: "record-microphone" }, this.microphone, icon("mic"), "Microphone"));
    this.level = h("span", {});
    this.meter = h("div", { class: "meter", hidden: true, role: "img", "aria-label": "Loudness" }, this.level);
    this.clock = h("span", { class: "clock", role: "timer" });
    this.buttons = h("div", { class: "row" });
    this.said = h("p", { class: "hint", role: "status" });
    this.words = new TranscriptView("", null);
    this.words.follow.hidden = true;
    this.words.say("What is said appears here.");
    this.element = h("div", { class: "studio" },
      h("section", { class: "panel", "aria-label": "Recorder" }, h("div", { class: "stage" }, this.preview, this.hint),
        this.meter, h("div", { class: "field" }, h("label", { for: "record-title" }, "Title"), this.name), this.sources,
        h("div", { class: "controls" }, this.buttons, this.clock), this.said),
      this.words.element);
    this.offer();
  }

  get going() {
    return Boolean(this.made || this.sending);
  }

  offer() {
    const button = (text, name, act, kind = "") => h("button", { class: `button ${kind}`, type: "button", on: { click: act } }, icon(name), text);
    const paused = this.made?.state === "paused";
    const turn = paused ? button("Go on", "play", () => this.pause(false)) : button("Pause", "pause", () => this.pause(true));
    this.buttons.replaceChildren(...(this.made ? [button("Stop and keep", "check", () => this.stop(), "main"), turn]
      : this.sending ? [] : [button("Begin", "record", () => this.begin(), "main")]));
    this.sources.disabled = this.going;
  }

  async begin() {
    const wanted = { screen: this.screen.checked, microphone: this.microphone.checked };
    if (!wanted.screen && !wanted.microphone) return this.say("Choose the screen, the microphone or both.");
    this.say("");
    try {
      this.taken = await capture(wanted);
      this.kept = await this.backlog.begin(this.owner, { filename: "recording.webm", title: this.titled, filetype: "video/webm",
        has_microphone: wanted.microphone, has_system_audio: this.taken.systemSound });
    } catch (error) {
      this.taken?.release();
      return this.say(error instanceof NotAllowed ? error.message : `That could not be recorded: ${error.message}`);
    }
    this.source = new BacklogSource(this.backlog, this.kept);
    this.made = recorder(this.taken.stream, (blob) => this.keep(blob));
    this.made.addEventListener("stop", () => this.ended());
    for (const track of this.taken.stream.getTracks()) track.addEventListener("ended", () => this.stop());
    this.made.start(CHUNK_MS);
    this.began();
    return this.upload();
  }

  get titled() {
    return this.name.value.trim() || "Recording";
  }

  /** Puts a second on disk, after those before it; what would follow a gap could not be played. */
  keep(blob) {
    this.stored = this.stored.then(async () => {
      if (this.full || !blob.size) return;
      this.source.grew(await this.backlog.append(this.kept.id, await blob.arrayBuffer()));
    }).catch((error) => {
      this.full = true;
      this.stop();
      tell(`This computer kept no more of the recording: ${error.message} What it kept is sent.`, "bad");
    });
  }

  began() {
    this.full = this.refused = false;
    this.length = 0;
    this.tick = Date.now();
    this.preview.srcObject = this.taken.shown;
    this.preview.hidden = !this.taken.shown;
    this.hint.hidden = Boolean(this.taken.shown);
    this.hint.textContent = "Recording sound.";
    if (this.taken.shown) this.preview.play().catch(() => undefined);
    this.meter.hidden = false;
    this.timer = setInterval(() => this.beat(), 200);
    this.offer();
  }

  beat() {
    const now = Date.now();
    if (this.made?.state === "recording") this.length += (now - this.tick) / 1000;
    this.tick = now;
    this.level.style.setProperty("--done", `${100 * this.taken.level()}%`);
    this.clock.replaceChildren(this.made?.state === "recording" ? h("span", { class: "dot" }) : "", clock(this.length));
  }

  async upload() {
    this.sending = uploadOf(this.kept, this.source, (state) => this.sent(state));
    const following = this.follow();
    try {
      if (await this.sending.run()) await this.arrived(this.sending.id);
    } catch (problem) {
      this.refused = true;
      this.stop();
      this.backlog.release(this.kept.id);
      this.say(`The service refused the recording: ${problem.message} It is kept on this computer.`);
    } finally {
      this.sending = null;
      this.offer();
      await following;
    }
  }

  sent({ offset, error }) {
    const left = this.source.stored - offset;
    const waiting = left > 0 ? `, ${size(left)} on the way` : "";
    this.say(error ? `The connection broke${waiting}. Recording goes on; this computer keeps it, and sends it as soon as it can.`
      : `${size(offset)} stored${waiting}.`);
  }

  /** The words, by the frames of the job, as soon as the recording has one. */
  async follow() {
    let stop = null;
    while (this.sending || this.made) {
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
      const id = this.sending?.id;
      if (id) stop ??= await this.watched(id);
    }
    stop?.();
  }

  async watched(id) {
    const recording = await get(`/api/v1/recordings/${id}`).catch(() => null);
    if (!recording || recording.status === "awaiting_upload") return null;
    return watch(recording.job_id, async (job) => {
      if (this.words.hear(job)) await get(`/api/v1/recordings/${id}/transcript`).then((all) => this.words.add(all.segments), () => undefined);
      this.words.newest();
    });
  }

  pause(wanted) {
    if (wanted) this.made.pause();
    else this.made.resume();
    this.offer();
  }

  stop() {
    if (this.made && this.made.state !== "inactive") this.made.stop();
  }

  async ended() {
    clearInterval(this.timer);
    this.taken.release();
    this.made = null;
    this.preview.hidden = true;
    this.hint.hidden = false;
    this.hint.textContent = this.refused ? "The recording has ended." : "The last seconds are being stored.";
    this.meter.hidden = true;
    this.offer();
    await this.stored;
    await this.backlog.change(this.kept.id, { ended: true }).catch(() => undefined); // whoever takes it over says so too
    this.source.end();
  }

  /** The service has it whole. */
  async arrived(id) {
    this.sending = null;
    await this.backlog.drop(this.kept.id);
    if (this.titled !== this.kept.metadata.title) await call("PATCH", `/api/v1/recordings/${id}`, { title: this.titled }).catch(tellProblem);
    if (location.pathname === "/record") go(`/recordings/${id}`);
  }

  say(text) {
    this.said.textContent = text;
  }
}
