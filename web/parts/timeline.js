// The time line under the player: the loudness of the sound, a picture of the moment pointed at, and marks that jump there
// of what was found: key points, and what is to be done.
import { get } from "../api.js";
import { h, svg } from "./dom.js";
import { clock, spoken } from "./words.js";

const NEAR = 0.012;
const HEIGHT = 100;

export class Timeline {
  constructor(player) {
    this.player = player;
    this.wave = h("div", { class: "wave" });
    this.scenes = h("div", { class: "marks", "aria-hidden": "true" });
    this.marks = h("ul", { class: "marks found-marks", "aria-label": "Moments" });
    this.range = h("input", { type: "range", min: 0, max: 1, step: 0.1, value: 0, "aria-label": "Position in the recording" });
    this.bubble = h("div", { class: "bubble", hidden: true, "aria-hidden": "true" });
    this.now = h("span", {}, "0:00");
    this.whole = h("span", {}, "");
    this.element = h("div", { class: "timeline" },
      h("div", { class: "strip" }, this.wave, this.scenes, this.range, this.marks, this.bubble),
      h("p", { class: "clocks" }, this.now, this.whole));
    this.range.addEventListener("input", () => {
      player.seek(Number(this.range.value));
      this.tell(Number(this.range.value));
    });
    this.range.addEventListener("blur", () => this.hide());
    const strip = this.range.parentElement;
    strip.addEventListener("pointermove", (event) => this.point(event));
    strip.addEventListener("pointerleave", () => this.hide());
    player.hear((at) => this.at(at));
  }

  show(recording) {
    this.thumbnails = recording.thumbnails;
    const found = recording.analyses;
    const of = (items, name, kind) => (items || []).filter((item) => item.at !== null).map(({ at, text }) => ({ at, text, name, kind }));
    this.moments = [...of(found?.key_points.items, "point", "Key point"), ...of(found?.action_items.items, "todo", "To do")]
      .sort((one, other) => one.at - other.at);
    this.cuts = recording.scenes;
    this.at(this.player.position);
    this.markAll();
    this.listen(recording);
  }

  async listen(recording) {
    const found = recording.renditions.find((made) => made.kind === "waveform");
    if (!found || this.heard) return;
    this.heard = true;
    const { peaks } = await get(found.url).catch(() => ({ peaks: [] }));
    if (peaks.length) this.wave.replaceChildren(drawn(peaks, "all"), drawn(peaks, "played"));
  }

  markAll() {
    const whole = this.player.duration;
    const left = (at) => ({ left: `${(100 * at) / whole}%` });
    const cuts = whole ? this.cuts : [];
    this.scenes.replaceChildren(...cuts.map(({ at }) => h("span", { class: "scene", style: left(at) })));
    this.marks.replaceChildren(...(whole ? this.moments : []).map((moment) => this.mark(moment, left(moment.at))));
  }

  /** A button on the line; what it is about is shown to whoever points at it or comes there by keys. */
  mark(moment, style) {
    const show = () => this.tell(moment.at, moment);
    const go = () => this.player.seek(moment.at, true);
    return h("li", { style }, h("button", { class: `mark ${moment.name}`, type: "button", on: { click: go, focus: show, blur: () => this.hide() },
      "aria-label": `${moment.kind} at ${spoken(moment.at)}: ${moment.text}` }));
  }

  at(seconds) {
    const whole = this.player.duration;
    if (whole && Number(this.range.max) !== whole) {
      this.range.max = whole;
      this.whole.textContent = clock(whole);
      this.markAll();
    }
    this.range.value = seconds;
    this.range.setAttribute("aria-valuetext", `${spoken(seconds)} of ${spoken(whole)}`);
    this.now.textContent = clock(seconds);
    this.element.style.setProperty("--at", `${whole ? (100 * seconds) / whole : 0}%`);
  }

  point(event) {
    const whole = this.player.duration;
    if (!whole) return;
    const place = this.range.getBoundingClientRect();
    const at = whole * Math.min(1, Math.max(0, (event.clientX - place.left) / place.width));
    const near = this.moments.filter((moment) => Math.abs(moment.at - at) / whole < NEAR);
    this.tell(at, near.sort((one, other) => Math.abs(one.at - at) - Math.abs(other.at - at))[0]);
  }

  /** The bubble over a moment: its picture, its time, and what was found there. */
  tell(at, moment) {
    const picture = this.thumbnails.findLast((thumbnail) => thumbnail.at <= at + 0.5);
    if (this.shown !== picture?.url) {
      this.shown = picture?.url;
      this.image = picture && h("img", { src: picture.url, alt: "", width: picture.width, height: picture.height });
    }
    const said = moment && h("span", { class: "said" }, h("b", {}, moment.kind), ` ${moment.text}`);
    this.bubble.replaceChildren(...[this.image, h("span", {}, clock(at)), said].filter(Boolean));
    this.bubble.hidden = false;
    const width = this.range.offsetWidth;
    const half = Math.min(width / 2, this.bubble.offsetWidth / 2);
    const middle = Math.min(width - half, Math.max(half, (width * at) / this.player.duration));
    this.bubble.style.setProperty("left", `${middle}px`);
  }

  hide() {
    this.bubble.hidden = true;
  }
}

/** The peaks, from 0 to 1, as one shape around a middle line. */
function drawn(peaks, name) {
  const half = HEIGHT / 2;
  const bar = (peak, index) => {
    const height = Math.max(1, peak * half);
    return `M${index} ${half - height}h.7v${2 * height}h-.7z`;
  };
  return svg("svg", { class: name, viewBox: `0 0 ${peaks.length} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { d: peaks.map(bar).join("") }));
}
