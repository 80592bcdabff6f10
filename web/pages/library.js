// The library: every recording, found by title, state, project and tag; what is in progress moves in place.
import { get, query } from "../api.js";
import { watch } from "../live.js";
import { card } from "../parts/card.js";
import { calmly, h, hidden } from "../parts/dom.js";
import { icon } from "../parts/icons.js";
import { empty, failed, tellProblem } from "../parts/notice.js";
import { remember, title } from "../router.js";

const PAGE = 24;
const FOLDERS = 100;
const STATUSES = [["", "All"], ["live", "Live"], ["processing", "In progress"], ["completed", "Ready"], ["failed", "Failed"]];

export function show(main, _, asked) {
  title("Library");
  const wanted = Object.fromEntries(["q", "status", "project_id", "tag"].map((name) => [name, asked.get(name) || ""]));
  const list = h("ul", { class: "cards", "aria-label": "Recordings" });
  const more = h("div", { class: "more" });
  const found = h("p", { class: "hidden", role: "status" });
  const shelf = new Shelf(main, list, more, found, wanted);
  const search = h("input", { type: "search", id: "search", placeholder: "Search titles", autocomplete: "off",
    maxlength: 100, value: wanted.q, on: { input: calmly((event) => shelf.want({ q: event.target.value.trim() })) } });
  main.append(
    h("div", { class: "head" }, h("h1", {}, "Library"),
      h("div", { class: "row" }, h("a", { class: "button", href: "/upload" }, icon("upload"), "Upload"),
        h("a", { class: "button main", href: "/record" }, icon("record"), "Record"))),
    shelf.filters);
  shelf.filters.append(
    h("label", { class: "search", for: "search" }, icon("search"), hidden("Search titles"), search),
    shelf.statuses(), shelf.folders, shelf.tag);
  main.append(list, found, more);
  shelf.begin();
  shelf.offerFolders();
  return () => shelf.leave();
}

/** What stands on the page: the cards, the next page, and the watching of those in progress. */
class Shelf {
  constructor(main, list, more, found, wanted) {
    Object.assign(this, { main, list, more, found, wanted });
    this.watching = new Map();
    this.turn = 0;
    this.filters = h("div", { class: "filters", role: "search" });
    this.tag = h("span", { class: "chosen" });
    this.folders = h("select", { class: "folders", "aria-label": "Course or project", hidden: true,
      on: { change: () => this.want({ project_id: this.folders.value }) } });
    this.sight = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && this.next(), {
      rootMargin: "600px",
    });
  }

  statuses() {
    const choice = ([value, text]) => h("label", {},
      h("input", { type: "radio", name: "status", value, checked: value === this.wanted.status,
        on: { change: () => this.want({ status: value }) } }), h("span", {}, text));
    return h("fieldset", { class: "choices" }, h("legend", { class: "hidden" }, "State"), STATUSES.map(choice));
  }

  /** Courses and projects to choose from, once somebody has any. */
  async offerFolders() {
    const lists = ["courses", "projects"].map((kind) => get(`/api/v1/${kind}?limit=${FOLDERS}`).catch(() => ({ items: [] })));
    const found = (await Promise.all(lists)).flatMap((list) => list.items);
    const titles = new Map(found.map((folder) => [folder.id, folder.title]));
    const chosen = this.wanted.project_id;
    if (chosen && !titles.has(chosen)) titles.set(chosen, chosen);
    if (!titles.size) return;
    const option = ([value, text]) => h("option", { value, selected: value === chosen }, text);
    this.folders.replaceChildren(option(["", "All courses and projects"]), ...[...titles].map(option));
    this.folders.hidden = false;
  }

  want(changed) {
    Object.assign(this.wanted, changed);
    remember(this.wanted);
    this.begin();
  }

  async begin() {
    this.turn += 1;
    this.cursor = undefined;
    this.loading = false;
    this.sayTag();
    this.list.setAttribute("aria-busy", "true");
    await this.next(true);
    this.list.removeAttribute("aria-busy");
  }

  sayTag() {
    const clear = () => this.want({ tag: "" });
    this.tag.replaceChildren(...(this.wanted.tag ? [h("button", { class: "tag on", type: "button", on: { click: clear } },
      this.wanted.tag, icon("close"), hidden("Show all tags"))] : []));
  }

  async next(first = false) {
    if (this.loading || (!first && !this.cursor)) return;
    const mine = this.turn;
    this.loading = true;
    try {
      const page = await get(`/api/v1/recordings${query({ ...this.wanted, limit: PAGE, cursor: this.cursor })}`);
      if (mine === this.turn) this.put(page, first);
    } catch (problem) {
      if (mine !== this.turn) return;
      if (first) failed(this.main, problem, () => location.reload());
      else tellProblem(problem);
    } finally {
      if (mine === this.turn) this.loading = false;
    }
  }

  put(page, first) {
    if (first) this.clear();
    this.list.append(...page.items.map((recording) => this.placed(recording)));
    this.cursor = page.next_cursor;
    this.sight.disconnect();
    this.more.replaceChildren();
    if (this.cursor) this.offerMore();
    const count = this.list.childElementCount;
    this.found.textContent = count ? `${count} recordings${this.cursor ? ", and more" : ""}` : "";
    if (!count) this.more.replaceChildren(this.nothing());
    this.filters.hidden = !count && !this.choosy;
  }

  offerMore() {
    const button = h("button", { class: "button", type: "button", on: { click: () => this.next() } }, "Show more");
    this.more.append(button);
    this.sight.observe(button);
  }

  placed(recording) {
    const made = card(recording, (tag) => this.want({ tag }));
    if (["processing", "live"].includes(recording.status)) this.follow(recording, made);
    return made.element;
  }

  follow(recording, made) {
    const stop = watch(recording.job_id, (job) => {
      made.state(job);
      if (job.finished_at) this.renew(recording.id, made.element);
    });
    this.watching.set(recording.id, stop);
  }

  async renew(id, element) {
    this.watching.get(id)?.();
    this.watching.delete(id);
    const recording = await get(`/api/v1/recordings/${id}`).catch(() => null);
    if (recording && element.isConnected) element.replaceWith(this.placed(recording));
  }

  /** Whether only some recordings are asked for. */
  get choosy() {
    return Object.values(this.wanted).some(Boolean);
  }

  nothing() {
    if (this.choosy) {
      const clear = h("a", { class: "button", href: "/" }, "Show everything");
      return empty("search", "Nothing found", "No recording has all of that. Try fewer words, or one filter less.", clear);
    }
    return empty("library", "Your library is empty",
      "Record your screen or your voice here, or bring files along. A transcript, a summary and the things to do follow by themselves.",
      h("a", { class: "button main", href: "/record" }, icon("record"), "Record something"),
      h("a", { class: "button", href: "/upload" }, icon("upload"), "Upload files"));
  }

  clear() {
    for (const stop of this.watching.values()) stop();
    this.watching.clear();
    this.list.replaceChildren();
  }

  leave() {
    this.turn += 1;
    this.sight.disconnect();
    this.clear();
  }
}
