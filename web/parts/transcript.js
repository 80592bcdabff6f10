// The transcript: it follows the player and sends it elsewhere; speakers are named and segments put right in place.
import { call, get } from "../api.js";
import { h, hidden } from "./dom.js";
import { icon } from "./icons.js";
import { tell, tellProblem } from "./notice.js";
import { clock, spoken } from "./words.js";

const HANDS_OFF_MS = 5000;

export class TranscriptView {
  /** Without a player it is only read. */
  constructor(recordingId, player) {
    this.path = `/api/v1/recordings/${recordingId}/transcript`;
    this.player = player;
    this.lines = new Map();
    this.names = {};
    this.list = h("ol", { class: "said-list", tabindex: "0", "aria-label": "Transcript" });
    this.follow = h("button", { class: "button small", type: "button", "aria-pressed": "true",
      on: { click: () => this.toggle() } }, icon("follow"), "Follow");
    this.state = h("p", { class: "growing", role: "status" });
    this.draft = h("p", { class: "draft", hidden: true });
    this.element = h("section", { class: "panel transcript", "aria-labelledby": "transcript-head" },
      h("div", { class: "top" }, h("h2", { id: "transcript-head" }, "Transcript"), this.follow),
      this.state, this.list, this.draft);
    this.touched = 0;
    for (const name of ["wheel", "touchmove", "pointerdown"]) {
      this.list.addEventListener(name, () => (this.touched = Date.now()), { passive: true });
    }
    player?.hear((at) => this.at(at));
  }

  /** Reads it as far as it is there; what is being edited stays. */
  async load() {
    try {
      this.put(await get(this.path));
    } catch (problem) {
      if (problem.code !== "not_ready") throw problem;
      this.say(this.waiting);
    }
  }

  waiting = "The words come here as soon as the first are understood.";

  put(transcript) {
    this.names = Object.fromEntries((transcript.speakers || []).map(({ speaker, name }) => [speaker, name]));
    this.forgetAllBut(new Set(transcript.segments.map((segment) => segment.id)));
    this.add(transcript.segments);
    const nothing = transcript.complete && !transcript.segments.length;
    this.say(nothing ? "Nothing was said in this recording." : transcript.complete ? "" : "Still listening…");
    this.at(this.player?.position || 0);
  }

  forgetAllBut(ids) {
    for (const [id, line] of this.lines) {
      if (ids.has(id)) continue;
      line.element.remove();
      this.lines.delete(id);
    }
    this.order = this.order?.filter((line) => ids.has(line.segment.id));
  }

  /** Segments that are new or have changed. */
  add(segments) {
    let before = segments.length ? this.lines.get(segments[0].id - 1)?.segment.speaker : null;
    for (const segment of segments) {
      const known = this.lines.get(segment.id);
      const line = known && (known.editing || same(known.segment, segment)) ? known : this.line(segment);
      line.segment = segment;
      this.head(line, before);
      if (known && known !== line) known.element.replaceWith(line.element);
      else if (!known) this.place(line);
      this.lines.set(segment.id, line);
      before = segment.speaker;
    }
    this.order = [...this.lines.values()].sort((one, other) => one.segment.start - other.segment.start);
  }

  /** Puts a new line where it belongs: the newest may have come before older ones were read. */
  place(line) {
    const next = this.order?.find((other) => other.segment.id > line.segment.id);
    this.list.insertBefore(line.element, next?.element || null);
  }

  /** What a job's frame tells: its newest segments, and what is just being said. Whether others have to be read. */
  hear(job) {
    const heard = job.results?.transcript;
    this.showDraft(job.results?.live?.draft?.text);
    if (!heard) return false;
    if (!heard.complete) this.say("Still listening…");
    this.add(heard.segments || []);
    return this.lines.size < heard.segment_count;
  }

  showDraft(text) {
    this.draft.hidden = !text;
    this.draft.textContent = text || "";
  }

  newest() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  say(text) {
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  line(segment) {
    const words = h("span", { class: "words" }, segment.text);
    const time = h("button", { class: "time", type: "button", "aria-label": `Play from ${spoken(segment.start)}`,
      on: { click: () => this.player?.seek(segment.start, true) } }, clock(segment.start));
    const text = h("p", { class: "text", on: { click: (event) => this.clicked(event, segment) } }, words);
    const edit = h("button", { class: "quiet edit", type: "button", title: "Edit", on: { click: () => this.edit(line) } },
      icon("edit"), hidden(`Edit what was said at ${clock(segment.start)}`));
    const speaker = h("span", { class: "speaker" });
    const element = h("li", { "data-segment": segment.id }, speaker, time, text, this.player ? edit : "");
    const line = { element, text, words, speaker, edit, segment, editing: false };
    return line;
  }

  clicked(event, segment) {
    if (getSelection().isCollapsed && !event.target.closest("textarea, button")) this.player?.seek(segment.start);
  }

  head(line, before) {
    const { speaker } = line.segment;
    if (!speaker || speaker === before) return line.speaker.replaceChildren();
    if (line.speaker.querySelector("input")) return undefined;
    const name = this.names[speaker] || speaker;
    const button = h("button", { class: "name", type: "button", title: "Rename", "aria-label": `${name}, rename this speaker`,
      on: { click: () => this.rename(line) } }, name);
    return line.speaker.replaceChildren(this.player ? button : h("span", { class: "name" }, name));
  }

  rename(line) {
    const { speaker } = line.segment;
    const input = h("input", { type: "text", maxlength: 100, value: this.names[speaker] || speaker,
      "aria-label": `Name of ${this.names[speaker] || speaker}` });
    const form = h("form", { class: "naming" }, input, h("button", { class: "button small", type: "submit" }, "Save"));
    const back = () => {
      form.remove();
      this.add(this.order.map((one) => one.segment));
      line.speaker.querySelector("button")?.focus();
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const name = input.value.trim();
      if (await this.change({ speakers: [{ speaker, name: name || null }] }, "The speaker has a name.")) back();
    });
    form.addEventListener("keydown", (event) => event.key === "Escape" && back());
    line.speaker.replaceChildren(form);
    input.select();
  }

  edit(line) {
    line.editing = true;
    const area = h("textarea", { rows: 3, maxlength: 5000, "aria-label": `What was said at ${clock(line.segment.start)}` });
    area.value = line.segment.text;
    const back = () => {
      line.editing = false;
      line.words.textContent = line.segment.text;
      line.text.replaceChildren(line.words);
      line.edit.hidden = false;
      line.edit.focus();
    };
    const save = async () => {
      const text = area.value.trim();
      if (text === line.segment.text) return back();
      const segments = [{ id: line.segment.id, text: text || null }];
      if (await this.change({ segments }, "Saved. Captions and downloads have it too.")) back();
      return undefined;
    };
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") back();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    });
    const button = (text, act, name = "") => h("button", { class: `button small ${name}`, type: "button", on: { click: act } }, text);
    line.edit.hidden = true;
    line.text.replaceChildren(area, h("span", { class: "row" }, button("Save", save, "main"), button("Cancel", back)));
    area.focus();
  }

  async change(wanted, text) {
    try {
      const transcript = await call("PATCH", this.path, wanted);
      const editing = [...this.lines.values()].filter((line) => line.editing);
      for (const line of editing) line.editing = !(wanted.segments || []).some((changed) => changed.id === line.segment.id);
      this.put(transcript);
      tell(text);
      return true;
    } catch (problem) {
      tellProblem(problem);
      return false;
    }
  }

  at(seconds) {
    const found = this.order?.findLast((line) => line.segment.start <= seconds + 0.05);
    if (found === this.active) return;
    this.active?.element.removeAttribute("aria-current");
    this.active = found;
    if (!found) return;
    found.element.setAttribute("aria-current", "true");
    const calm = Date.now() - this.touched > HANDS_OFF_MS && !this.list.querySelector("textarea, input");
    if (this.following() && calm) this.reveal(found.element);
  }

  reveal(element) {
    const top = element.offsetTop - this.list.offsetTop - this.list.clientHeight / 3;
    this.list.scrollTo({ top, behavior: "smooth" });
  }

  following() {
    return this.follow.getAttribute("aria-pressed") === "true";
  }

  toggle() {
    this.follow.setAttribute("aria-pressed", String(!this.following()));
    this.touched = 0;
    if (this.following() && this.active) this.reveal(this.active.element);
  }
}

const same = (one, other) => one.text === other.text && one.start === other.start && one.speaker === other.speaker;
