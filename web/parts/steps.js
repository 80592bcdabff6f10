// How far work is: a bar, and one for each step.
import { h } from "./dom.js";
import { STATES, STEPS } from "./words.js";

/** A bar; `set(percent, text)` moves it. */
export function bar(label) {
  const fill = h("span", { class: "fill" });
  const element = h("span", { class: "bar-line", role: "progressbar", "aria-label": label, "aria-valuemin": 0,
    "aria-valuemax": 100 }, fill);
  const set = (percent, text) => {
    const whole = Math.round(percent);
    element.setAttribute("aria-valuenow", whole);
    element.setAttribute("aria-valuetext", text || `${whole} %`);
    fill.style.setProperty("--done", `${Math.min(100, Math.max(0, percent))}%`);
  };
  set(0);
  return { element, set };
}

/** The steps of a job; `set(job)` shows a state of it. */
export function steps() {
  const element = h("ul", { class: "steps" });
  const lines = new Map();
  const line = (name) => {
    const progress = bar(STEPS[name] || name);
    const said = h("span", { class: "said" });
    const label = h("span", { class: "name" }, STEPS[name] || name);
    const entry = { element: h("li", {}, label, progress.element, said), progress, said };
    lines.set(name, entry);
    element.append(entry.element);
    return entry;
  };
  const set = (job) => {
    for (const step of job.steps || []) {
      const entry = lines.get(step.name) || line(step.name);
      entry.element.dataset.status = step.status;
      const text = sayStep(step);
      entry.said.textContent = text;
      entry.progress.set(step.progress, text);
    }
  };
  return { element, set };
}

function sayStep(step) {
  if (step.status === "running" && step.name === "live") return "Listening";
  if (step.status === "running") return `${Math.round(step.progress)} %`;
  if (step.status === "failed" && step.error) return step.error.detail;
  if (step.status === "queued" && step.next_attempt_at) return "Is tried again soon";
  return step.status === "completed" ? "Done" : STATES[step.status];
}
