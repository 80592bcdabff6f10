// Recordings that a visit to the page left behind, and what can be done with them: sent, saved as a file, deleted.
import { send } from "../api.js";
import { Upload } from "../tus.js";
import { BacklogSource } from "./backlog.js";
import { h, hidden } from "./dom.js";
import { icon } from "./icons.js";
import { tellProblem } from "./notice.js";
import { bar } from "./steps.js";
import { ago, size } from "./words.js";

/** The upload of a recording, from this computer's disk. */
export function uploadOf(recording, source, seen) {
  return new Upload({ endpoint: "/api/v1/uploads", source, send, metadata: recording.metadata, store: source.addresses,
    name: recording.id, seen });
}

/** What there is of this person; empty where nothing was left. */
export async function leftover(backlog, owner) {
  const found = await backlog.left(owner);
  if (!found.length) return "";
  const panel = h("section", { class: "panel leftover", "aria-labelledby": "leftover-head" },
    h("h2", { id: "leftover-head" }, "Recorded here, and not sent yet"));
  const list = h("ul", { class: "lines" });
  for (const recording of found) list.append(new Left(backlog, recording, () => list.childElementCount || panel.remove()).element);
  panel.append(h("p", { class: "hint" }, "This computer has every second of it. Sending goes on where it was."), list);
  return panel;
}

class Left {
  constructor(backlog, recording, gone) {
    Object.assign(this, { backlog, recording, gone });
    const { title } = recording.metadata;
    this.said = h("span", { role: "status" }, `${size(recording.size)} · ${ago(recording.startedAt)}`);
    this.progress = bar(`Upload of ${title}`);
    this.progress.element.hidden = true;
    this.buttons = h("div", { class: "row" });
    this.element = h("li", { class: "line" }, h("div", { class: "top" },
      h("div", { class: "what" }, h("strong", {}, title), this.said), this.buttons), this.progress.element);
    this.offer();
  }

  offer() {
    const button = (text, name, act, kind = "") => h("button", { class: `button small ${kind}`, type: "button",
      on: { click: () => act().catch(tellProblem) } }, icon(name), text, hidden(` ${this.recording.metadata.title}`));
    this.buttons.replaceChildren(button("Go on sending", "upload", () => this.send(), "main"),
      button("Save as a file", "download", () => this.save()), button("Delete", "trash", () => this.drop(), "bad"));
  }

  async send() {
    const recording = await this.backlog.take(this.recording.id);
    if (!recording) return this.leave("Another tab is sending it.");
    if (!recording.size) return this.drop(); // not even one second was kept
    this.buttons.replaceChildren();
    this.progress.element.hidden = false;
    const upload = uploadOf(recording, new BacklogSource(this.backlog, recording), (state) => this.seen(state));
    try {
      await upload.run();
    } catch (problem) {
      this.progress.element.hidden = true;
      this.said.textContent = `The service refused it: ${problem.message}`;
      return this.offer();
    }
    await this.backlog.drop(recording.id);
    this.leave("The service has all of it.");
    this.buttons.replaceChildren(h("a", { class: "button small main", href: `/recordings/${upload.id}` }, "Open",
      hidden(` ${recording.metadata.title}`)));
    return undefined;
  }

  seen({ offset, size: whole, error }) {
    this.progress.set((100 * offset) / whole);
    this.said.textContent = `${size(offset)} of ${size(whole)}${error ? " · the connection broke, trying again" : ""}`;
  }

  async save() {
    const address = URL.createObjectURL(await this.backlog.whole(this.recording.id));
    h("a", { href: address, download: `${this.recording.metadata.title}.webm` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  async drop() {
    await this.backlog.drop(this.recording.id);
    this.element.remove();
    this.gone();
  }

  leave(text) {
    this.progress.element.hidden = true;
    this.said.textContent = text;
    this.buttons.replaceChildren();
  }
}
