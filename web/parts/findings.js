// What was found in a recording: its summary, its key points, what is to be done, and the mood over time.
import { call } from "../api.js";
import { h, svg } from "./dom.js";
import { tellProblem } from "./notice.js";
import { clock, spoken } from "./words.js";

const MOODS = { positive: "positive", neutral: "calm", negative: "negative", mixed: "mixed" };
const [WIDTH, HEIGHT] = [1000, 120];

/** A button that plays from a moment. */
export function jump(player, at) {
  return h("button", { class: "time", type: "button", "aria-label": `Play from ${spoken(at)}`,
    on: { click: () => player.seek(at, true) } }, clock(at));
}

function panel(id, heading, ...children) {
  return h("section", { class: `panel ${id}`, "aria-labelledby": `${id}-head` }, h("h2", { id: `${id}-head` }, heading), children);
}

/** How it came about: sentences of the original are not a model's own. */
function made(analysis) {
  const how = analysis.extractive ? "Made of sentences of the recording itself" : `Written by ${analysis.provider}`;
  return h("p", { class: "made" }, `${how}.`);
}

export function summary(found, player) {
  const paragraphs = found.text.split(/\n{2,}/).filter((text) => text.trim()).map((text) => h("p", {}, text));
  const moments = found.citations.filter((cited) => cited.start !== null).map((cited) => jump(player, cited.start));
  const sources = moments.length ? h("p", { class: "sources-of" }, "Heard at ", moments) : null;
  return panel("summary", "Summary", paragraphs.length ? paragraphs : h("p", { class: "none" }, "There was too little to sum up."),
    sources, made(found));
}

export function keyPoints(found, player) {
  const point = (item) => h("li", {}, item.at === null ? h("span") : jump(player, item.at), h("span", {}, item.text));
  const list = h("ul", { class: "moments" }, found.items.map(point));
  return panel("points", "Key points", found.items.length ? list : h("p", { class: "none" }, "Nothing stood out."));
}

export function actionItems(found, player, recordingId) {
  const item = (todo, number) => {
    const id = `todo-${number}`;
    const box = h("input", { type: "checkbox", id, checked: todo.done });
    box.addEventListener("change", () => check(recordingId, number, box));
    const who = [todo.owner, todo.due].filter(Boolean).join(" · ");
    return h("li", {}, box, h("label", { for: id }, todo.text, who && h("span", { class: "who-when" }, who)),
      todo.at === null ? "" : jump(player, todo.at));
  };
  const list = h("ul", { class: "checks" }, found.items.map(item));
  return panel("todo", "To do", found.items.length ? list : h("p", { class: "none" }, "Nobody promised anything."));
}

async function check(recordingId, number, box) {
  try {
    await call("PATCH", `/api/v1/recordings/${recordingId}/action-items/${number}`, { done: box.checked });
  } catch (problem) {
    box.checked = !box.checked;
    tellProblem(problem);
  }
}

export function mood(found, player, length) {
  const spans = found.timeline.filter((span) => span.start !== null);
  const whole = Math.max(length || 0, ...spans.map((span) => span.end || 0));
  const x = (seconds) => (WIDTH * seconds) / whole;
  const y = (score) => HEIGHT / 2 - score * (HEIGHT / 2 - 8);
  const block = (span) => svg("rect", { class: span.score < 0 ? "low" : "high", x: x(span.start), width: Math.max(2, x(span.end - span.start) - 1),
    y: Math.min(y(span.score), HEIGHT / 2), height: Math.max(2, Math.abs(y(span.score) - HEIGHT / 2)), rx: 2 });
  const middle = svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2 });
  const plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": described(found, spans) },
    middle, spans.map(block));
  const box = h("div", { class: "plot" }, plot, h("span", { class: "needle" }));
  plot.addEventListener("click", (event) => {
    const place = plot.getBoundingClientRect();
    player.seek((whole * (event.clientX - place.left)) / place.width, true);
  });
  player.hear((at) => box.style.setProperty("--at", `${(100 * at) / whole}%`));
  const legend = h("p", { class: "legend", "aria-hidden": "true" }, h("span", { class: "high" }, "positive"), h("span", { class: "low" }, "negative"));
  const text = h("p", { class: "overall" }, `${MOODS[found.label].replace(/^./, (first) => first.toUpperCase())} on the whole.`);
  return panel("mood", "Mood", text, spans.length && whole ? [box, legend] : "");
}

function described(found, spans) {
  const order = [...spans].sort((one, other) => one.score - other.score);
  if (!order.length) return "No mood over time";
  const [low, high] = [order[0], order[order.length - 1]];
  return `Mood over time, ${MOODS[found.label]} on the whole: highest at ${spoken(high.start)}, lowest at ${spoken(low.start)}.`;
}
