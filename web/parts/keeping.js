// What can be done with a recording as a whole: its title, its downloads, its end.
import { call } from "../api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { tell, tellProblem } from "./notice.js";
import { size } from "./words.js";

const KINDS = { mp4: "Video (MP4)", m4a: "Sound (M4A)", wav: "Speech (WAV)", original: "As it was sent", package: "Everything (ZIP)" };
const TEXTS = [["txt", "Text"], ["srt", "Subtitles (SRT)"], ["vtt", "Captions (WebVTT)"], ["json", "Data (JSON)"]];

/** Everything that can be taken home. */
export function downloads(recording) {
  const link = (href, text, name, much) => h("li", {}, h("a", { href, download: name }, icon("download"), h("span", {}, text),
    much && h("span", { class: "much" }, much)));
  const made = recording.renditions.filter((rendition) => KINDS[rendition.kind])
    .map((rendition) => link(rendition.url, KINDS[rendition.kind], `${recording.title}.${ending(rendition, recording)}`, size(rendition.size_bytes)));
  const texts = recording.transcript?.complete
    ? TEXTS.map(([format, text]) => link(`${recording.transcript.url}?format=${format}`, text, `${recording.title}.${format}`)) : [];
  return h("section", { class: "panel downloads", "aria-labelledby": "downloads-head" }, h("h2", { id: "downloads-head" }, "Downloads"),
    h("ul", {}, made, texts));
}

function ending(rendition, recording) {
  if (rendition.kind === "package") return "zip";
  return rendition.kind === "original" ? recording.filename.split(".").pop() : rendition.kind;
}

/** The title, which is edited where it stands. */
export function heading(recording, changed) {
  const element = h("div", { class: "title" });
  const shown = (title) => {
    const button = h("button", { class: "quiet", type: "button", title: "Rename", "aria-label": "Rename the recording",
      on: { click: () => ask(title) } }, icon("edit"));
    element.replaceChildren(h("h1", {}, title), button);
    return button;
  };
  const ask = (title) => {
    const input = h("input", { type: "text", value: title, maxlength: 200, required: true, "aria-label": "Title" });
    const form = h("form", {}, input, h("button", { class: "button small main", type: "submit" }, "Save"));
    form.addEventListener("keydown", (event) => event.key === "Escape" && shown(title).focus());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const answer = await call("PATCH", `/api/v1/recordings/${recording.id}`, { title: input.value });
        shown(answer.title).focus();
        changed(answer.title);
      } catch (problem) {
        tellProblem(problem);
      }
    });
    element.replaceChildren(form);
    input.select();
  };
  shown(recording.title);
  return element;
}

/** The button that deletes, after a question. */
export function remover(recording, gone) {
  const dialog = h("dialog", { "aria-labelledby": "remove-head" }, h("h2", { id: "remove-head" }, "Delete this recording?"),
    h("p", {}, `«${recording.title}» goes with its video, transcript and everything found in it. This cannot be undone.`));
  const keep = h("button", { class: "button", type: "button", on: { click: () => dialog.close() } }, "Keep it");
  const remove = h("button", { class: "button bad", type: "button" }, icon("trash"), "Delete it");
  remove.addEventListener("click", async () => {
    remove.disabled = true;
    try {
      await call("DELETE", `/api/v1/recordings/${recording.id}`);
      tell("The recording is deleted.");
      gone();
    } catch (problem) {
      tellProblem(problem);
      dialog.close();
    } finally {
      remove.disabled = false;
    }
  });
  dialog.append(h("div", { class: "row" }, keep, remove));
  const open = h("button", { class: "button bad small", type: "button", on: { click: () => dialog.showModal() } }, icon("trash"), "Delete");
  return h("div", {}, open, dialog);
}
