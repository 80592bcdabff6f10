// The time line under the player: the loudness of the sound, key points, and a picture of the moment pointed at.
import { get } from "../api.js";
import { h, svg } from "./dom.js";
import { clock, spoken } from "./words.js";

const NEAR = 0.012;
const HEIGHT = 100;

export class Timeline {
  constructor(player) {
    this.player = player;
    this.wave = h("div", { class: "wave" });
    this.marks = h("div", { class: "marks", "aria-hidden": "true" });
    this.range = h("input", { type: "range", min: 0, max: 1, step: 0.1, value: 0, "aria-label": "Position in the recording" });
    this.bubble = h("div", { class: "bubble", hidden: true, "aria-hidden": "true" });
    this.now = h("span", {}, "0:00");
    this.whole = h("span", {}, "");
    this.element = h("div", { class: "timeline" },
      h("div", { class: "strip" }, this.wave, this.marks, this.range, this.bubble),
      h("p", { class: "clocks" }, this.now, this.whole));
    this.range.addEventListener("input", () => player.seek(Number(this.range.value)));
    const strip = this.range.parentElement;
    strip.addEventListener("pointermove", (event) => this.point(event));
    strip.addEventListener("pointerleave", () => (this.bubble.hidden = true));
    player.hear((at) => this.at(at));
  }

  show(recording) {
    this.thumbnails = recording.thumbnails;
    this.points = recording.analyses?.key_points.items.filter((point) => point.at !== null) || [];
    this.scenes = recording.scenes;
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
    if (!whole) return this.marks.replaceChildren();
    const mark = (name) => (thing) => h("span", { class: name, style: { left: `${(100 * thing.at) / whole}%` } });
    return this.marks.replaceChildren(...this.scenes.map(mark("scene")), ...this.points.map(mark("point")));
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
    const share = Math.min(1, Math.max(0, (event.clientX - place.left) / place.width));
    const at = share * whole;
    const picture = this.thumbnails.findLast((thumbnail) => thumbnail.at <= at + 0.5);
    const point = this.points.find((candidate) => Math.abs(candidate.at - at) / whole < NEAR);
    if (this.shown !== picture?.url) {
      this.shown = picture?.url;
      this.image = picture && h("img", { src: picture.url, alt: "", width: picture.width, height: picture.height });
    }
    this.bubble.replaceChildren(...[this.image, h("span", {}, clock(at)), point && h("span", { class: "said" }, point.text)].filter(Boolean));
    this.bubble.hidden = false;
    const half = Math.min(place.width / 2, this.bubble.offsetWidth / 2);
    const middle = Math.min(place.width - half, Math.max(half, share * place.width));
    this.bubble.style.setProperty("left", `${middle}px`);
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
