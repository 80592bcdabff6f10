// Activity: every job, how far it is and why it failed; stopped, and set going again.
import { call, get, query } from "../api.js";
import { hasEnded, watch } from "../live.js";
import { h, hidden } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { empty, failed, tell, tellProblem } from "../parts/notice.js";
import { steps } from "../parts/steps.js";
import { ago, JOBS, moment, STATES } from "../parts/words.js";
import { remember, title } from "../router.js";

const PAGE = 20;
const FILTERS = [["", "All", []], ["going", "In progress", ["queued", "running"]], ["completed", "Done", ["completed"]],
  ["failed", "Failed", ["failed", "cancelled"]]];

export function show(main, _, asked) {
  title("Activity");
  const board = new Board(main, asked.get("status") || "");
  main.append(h("div", { class: "head" }, h("h1", {}, "Activity"), h("p", { class: "lead" },
    "What is being done with your recordings. What fails can be tried again from where it stopped; nothing is uploaded twice.")),
  h("div", { class: "filters" }, board.choices()), board.list, board.more);
  board.begin();
  return () => board.clear();
}

class Board {
  constructor(main, chosen) {
    this.main = main;
    this.chosen = FILTERS.some(([value]) => value === chosen) ? chosen : "";
    this.list = h("ul", { class: "lines", "aria-label": "Jobs" });
    this.more = h("div", { class: "more" });
    this.watching = new Map();
    this.titles = new Map();
    this.turn = 0;
  }

  choices() {
    const pick = (value) => {
      this.chosen = value;
      remember({ status: value });
      this.begin();
    };
    return h("fieldset", { class: "choices" }, h("legend", { class: "hidden" }, "State"), FILTERS.map(([value, text]) =>
      h("label", {}, h("input", { type: "radio", name: "status", value, checked: value === this.chosen,
        on: { change: () => pick(value) } }), h("span", {}, text))));
  }

  async begin() {
    this.clear();
    const mine = this.turn;
    try {
      await this.next(undefined, mine);
    } catch (problem) {
      if (mine === this.turn) failed(this.main, problem, () => location.reload());
    }
  }

  async next(cursor, mine = this.turn) {
    const statuses = FILTERS.find(([value]) => value === this.chosen)[2].map((status) => `&status=${status}`).join("");
    const page = await get(`/api/v1/jobs${query({ limit: PAGE, cursor })}${statuses}`);
    if (mine !== this.turn) return;
    this.list.append(...page.items.map((job) => this.placed(job)));
    const on = () => this.next(page.next_cursor).catch(tellProblem);
    this.more.replaceChildren(page.next_cursor ? h("button", { class: "button", type: "button", on: { click: on } }, "Show more") : "");
    if (!this.list.childElementCount) this.more.replaceChildren(this.nothing());
  }

  nothing() {
    if (this.chosen) return empty("activity", "Nothing here", "No job is in that state.");
    return empty("activity", "No work yet", "As soon as a recording comes in, its steps can be followed here.",
      h("a", { class: "button main", href: "/upload" }, icon("upload"), "Upload files"));
  }

  placed(job) {
    const line = new Line(job, this);
    if (!hasEnded(job.status)) this.follow(job.id, line);
    this.name(job.recording_id, line);
    return line.element;
  }

  follow(id, line) {
    this.watching.get(id)?.();
    this.watching.set(id, watch(id, (job) => {
      line.set(job);
      if (hasEnded(job.status)) this.watching.delete(id);
    }));
  }

  async name(id, line) {
    if (!this.titles.has(id)) {
      this.titles.set(id, get(`/api/v1/recordings/${id}`).then((recording) => recording.title, () => null));
    }
    line.call(id, await this.titles.get(id));
  }

  clear() {
    this.turn += 1;
    for (const stop of this.watching.values()) stop();
    this.watching.clear();
    this.list.replaceChildren();
    this.more.replaceChildren();
  }
}

/** One job. */
class Line {
  constructor(job, board) {
    this.board = board;
    this.what = h("strong", {}, JOBS[job.job_type] || job.job_type);
    this.state = h("span", { class: "state" });
    this.steps = steps();
    this.why = h("p", { class: "why", hidden: true });
    this.buttons = h("div", { class: "row" });
    const when = h("time", { datetime: job.created_at, title: moment(job.created_at) }, ago(job.created_at));
    const kind = JOBS[job.job_type] || job.job_type;
    this.element = h("li", { class: "panel line" },
      h("div", { class: "top" }, h("div", { class: "what" }, this.what, h("span", {}, `${kind} · `, when)), this.state, this.buttons),
      this.steps.element, this.why);
    this.set(job);
  }

  call(id, name) {
    this.title = name || "";
    if (name) this.what.replaceChildren(h("a", { href: `/recordings/${id}` }, name));
  }

  set(job) {
    this.job = job;
    this.state.dataset.status = job.status;
    const live = job.steps?.some((step) => step.name === "live" && step.status === "running");
    this.state.textContent = live ? "Live" : job.status === "running" ? `${Math.round(job.progress)} %` : STATES[job.status].replace("Ready", "Done");
    this.steps.element.hidden = !job.steps || job.status === "completed";
    this.steps.set(job);
    this.why.hidden = !job.error || Boolean(job.steps);
    this.why.textContent = job.error?.detail || "";
    this.offer();
  }

  offer() {
    const button = (text, name, act, done) => h("button", { class: "button small", type: "button",
      on: { click: (event) => this.act(event.currentTarget, act, done) } }, icon(name), text, hidden(` ${this.title || ""}`));
    const wanted = hasEnded(this.job.status) ? (this.job.status === "completed" ? "" : button("Try again", "again", "retry", "It is tried again."))
      : button("Cancel", "close", "cancel", "The job is cancelled. What was done stays.");
    if (this.offered === this.job.status) return;
    this.offered = this.job.status;
    this.buttons.replaceChildren(wanted);
  }

  async act(button, act, done) {
    button.disabled = true;
    try {
      await call("POST", `/api/v1/jobs/${this.job.id}/${act}`);
      tell(done);
      this.set(await get(`/api/v1/jobs/${this.job.id}`));
      if (act === "retry") this.board.follow(this.job.id, this);
    } catch (problem) {
      tellProblem(problem);
      button.disabled = false;
    }
  }
}
