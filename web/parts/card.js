// A recording in the library: its picture, its name, how far it is.
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { ago, clock, moment, size, spoken, STATES, STEPS } from "./words.js";

/** The card of a recording. `state(job)` shows a newer state of its job, `wanted(tag)` is called for a tag. */
export function card(recording, wanted) {
  const bar = h("span", { class: "fill" });
  const line = h("span", { class: "bar-line", role: "progressbar", "aria-label": `Progress of ${recording.title}`,
    "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 }, bar);
  const said = h("span", { class: "said" }, STATES[recording.status]);
  const working = recording.status === "processing" || recording.status === "live";
  const heard = h("p", { class: "heard" });
  const status = h("p", { class: "status", "data-status": recording.status }, said, working && line);
  const element = h("li", { class: "card", "data-id": recording.id }, picture(recording),
    h("div", { class: "text" },
      h("h2", {}, h("a", { href: `/recordings/${recording.id}` }, recording.title)),
      h("p", { class: "about" }, h("time", { datetime: recording.created_at, title: moment(recording.created_at) },
        ago(recording.created_at)), recording.size_bytes ? ` · ${size(recording.size_bytes)}` : ""),
      recording.status === "completed" ? null : [status, heard],
      recording.error && h("p", { class: "why" }, recording.error.detail),
      tags(recording, wanted)));
  const state = (job) => {
    const running = (job.steps || []).find((step) => step.status === "running");
    const live = running?.name === "live";
    said.textContent = live ? STATES.live : running ? STEPS[running.name] || running.name : STATES[job.status];
    status.dataset.status = live ? "live" : "processing";
    heard.textContent = live ? newest(job.results) : "";
    line.setAttribute("aria-valuenow", Math.round(job.progress));
    bar.style.setProperty("--done", `${job.progress}%`);
  };
  return { element, state };
}

/** The words of a live recording that came last. */
function newest({ live, transcript }) {
  return live?.draft?.text || transcript?.segments?.at(-1)?.text || "";
}

function picture(recording) {
  const poster = recording.renditions.find((rendition) => rendition.kind === "poster");
  const image = poster
    ? h("img", { src: poster.url, alt: "", loading: "lazy", decoding: "async" })
    : h("span", { class: "blank" }, icon(recording.has_video === false ? "sound" : "play"));
  const length = recording.duration_seconds;
  return h("div", { class: "picture" }, image,
    length ? h("span", { class: "length", "aria-label": spoken(length), role: "img" }, clock(length)) : null);
}

function tags(recording, wanted) {
  if (!recording.tags.length) return null;
  const button = (tag) => h("button", { type: "button", class: "tag", on: { click: () => wanted(tag) } }, tag);
  return h("p", { class: "tags" }, recording.tags.map(button));
}
