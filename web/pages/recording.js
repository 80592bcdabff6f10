// One recording: played, read, corrected, and everything that was found in it.
import { call, get } from "../api.js";
import { hasEnded, watch } from "../live.js";
import { h } from "../parts/dom.js";
import { actionItems, keyPoints, mood, summary } from "../parts/findings.js";
import { icon } from "../parts/icons.js";
import { downloads, heading, remover } from "../parts/keeping.js";
import { failed, tellProblem } from "../parts/notice.js";
import { Player } from "../parts/player.js";
import { steps } from "../parts/steps.js";
import { Timeline } from "../parts/timeline.js";
import { TranscriptView } from "../parts/transcript.js";
import { ago, clock, moment, size } from "../parts/words.js";
import { go, title } from "../router.js";

const WORDS_MS = 2000;

export function show(main, { id }, asked) {
  title("Recording");
  const view = new View(main, id, Number(asked.get("t")) || 0);
  view.begin().catch((problem) => failed(main, problem, () => location.reload()));
  return () => view.leave();
}

class View {
  constructor(main, id, start) {
    Object.assign(this, { main, id, start });
    this.stop = () => undefined;
    this.delivered = "";
    this.read = 0;
  }

  get path() {
    return `/api/v1/recordings/${encodeURIComponent(this.id)}`;
  }

  async begin() {
    const recording = await get(this.path);
    if (this.over) return;
    this.build(recording);
    this.fill(recording);
    if (this.start) this.player.seek(this.start);
    await this.transcript.load();
    if (this.over || recording.status === "completed") return;
    this.follow(recording.job_id);
  }

  build(recording) {
    title(recording.title);
    this.player = new Player(recording);
    this.timeline = new Timeline(this.player);
    this.transcript = new TranscriptView(recording.id, this.player);
    this.work = steps();
    this.state = h("section", { class: "panel work", hidden: true, "aria-label": "Progress" });
    this.stage = h("div", { class: "stage", hidden: true });
    this.found = h("div", { class: "found" });
    this.rest = h("div", { class: "rest" });
    const about = h("p", { class: "about" }, h("time", { datetime: recording.created_at, title: moment(recording.created_at) },
      ago(recording.created_at)), recording.duration_seconds ? ` · ${clock(recording.duration_seconds)}` : "",
      recording.size_bytes ? ` · ${size(recording.size_bytes)}` : "", recording.tags.map((tag) => h("a", { class: "tag", href: `/?tag=${encodeURIComponent(tag)}` }, tag)));
    const keys = h("p", { class: "keys" }, "Keys: ", h("kbd", {}, "K"), " play or pause, ", h("kbd", {}, "J"), " and ", h("kbd", {}, "L"),
      " ten seconds back and on, ", h("kbd", {}, "C"), " captions");
    this.main.append(h("div", { class: "recording" },
      h("div", { class: "above" }, heading(recording, title), about),
      h("div", { class: "watch" }, this.stage, this.player.element, this.timeline.element, this.state),
      this.transcript.element, this.found, this.rest, keys,
      remover(recording, () => go("/"))));
  }

  fill(recording) {
    this.player.show(recording);
    this.timeline.show(recording);
    this.playable(recording);
    const found = recording.analyses;
    this.found.replaceChildren(...(found ? [summary(found.summary, this.player), actionItems(found.action_items, this.player, recording.id),
      keyPoints(found.key_points, this.player), mood(found.sentiment, this.player, recording.duration_seconds)] : []));
    this.rest.replaceChildren(downloads(recording));
    if (recording.status === "failed" && recording.error) this.broken(recording);
  }

  /** The player, or in its place why there is nothing to play. */
  playable({ status, duration_seconds: length }) {
    const live = status === "live";
    const nothing = live || (status === "failed" && length === null);
    for (const element of [this.player.element, this.timeline.element]) element.hidden = nothing;
    this.stage.hidden = !nothing;
    this.stage.replaceChildren(h("p", {}, live ? [h("span", { class: "dot" }), "Being recorded. It can be played when it has ended."]
      : "There is nothing in it that could be played."));
    if (status === "failed") this.transcript.waiting = "There is no transcript of it.";
  }

  follow(jobId) {
    this.stop = watch(jobId, (job) => this.saw(job));
  }

  saw(job) {
    const ended = hasEnded(job.status);
    this.state.hidden = job.status === "completed";
    if (!this.work.element.isConnected) this.state.replaceChildren(h("h2", {}, "In progress"), this.work.element);
    this.work.set(job);
    if (this.transcript.hear(job)) this.readOn();
    const live = job.steps?.find((step) => step.name === "live")?.status; // when it ends, there is something to play
    const delivered = [live, ...job.delivered].join();
    if (delivered !== this.delivered || ended) this.refresh();
    this.delivered = delivered;
  }

  /** A frame has the newest segments alone: who came late reads the others, once for many frames. */
  readOn() {
    if (this.reading) return;
    this.reading = setTimeout(() => {
      this.reading = 0;
      if (!this.over) this.transcript.load().catch(tellProblem);
    }, WORDS_MS);
  }

  async refresh() {
    try {
      const recording = await get(this.path);
      if (this.over) return;
      this.fill(recording);
      await this.transcript.load();
    } catch (problem) {
      if (!this.over) tellProblem(problem);
    }
  }

  broken(recording) {
    const again = h("button", { class: "button", type: "button" }, icon("again"), "Try again");
    again.addEventListener("click", async () => {
      again.disabled = true;
      try {
        await call("POST", `/api/v1/jobs/${recording.job_id}/retry`);
        this.stop();
        this.follow(recording.job_id);
      } catch (problem) {
        tellProblem(problem);
        again.disabled = false;
      }
    });
    const made = recording.renditions.some((rendition) => rendition.kind !== "original");
    this.state.hidden = false;
    this.state.replaceChildren(h("h2", {}, made ? "Not everything worked" : "That did not work"), h("p", {}, recording.error.detail),
      h("div", { class: "row gap" }, again));
  }

  leave() {
    this.over = true;
    clearTimeout(this.reading);
    this.stop();
    this.player?.leave();
  }
}
