// The player of a recording: what can be played best, with captions; others ask it where it is and send it elsewhere.
import { h } from "./dom.js";

const BEST = ["mp4", "original", "m4a", "wav"];
const STEP = 10;

/** `element` to show, `seek(seconds)` which plays on from there, `hear(listener)` for each newer position. */
export class Player {
  constructor(recording) {
    const kind = recording.has_video === false ? "audio" : "video";
    this.media = h(kind, { controls: true, preload: "metadata", playsinline: true, "aria-label": recording.title });
    this.element = h("div", { class: `player ${kind}` }, this.media);
    this.length = recording.duration_seconds || 0;
    this.keys = (event) => this.pressed(event);
    document.addEventListener("keydown", this.keys);
    this.show(recording);
  }

  /** Takes in what there is of the recording by now; whoever is watching is not disturbed. */
  show(recording) {
    this.length = recording.duration_seconds || this.length;
    this.captions(recording.transcript);
    const found = BEST.map((kind) => recording.renditions.find((made) => made.kind === kind)).find(Boolean);
    if (!found || (this.media.src && !this.media.paused) || this.media.src.endsWith(found.url)) return;
    const at = this.media.currentTime;
    const poster = recording.renditions.find((made) => made.kind === "poster");
    if (poster) this.media.poster = poster.url;
    this.media.src = found.url;
    if (at) this.media.currentTime = at;
  }

  captions(transcript) {
    if (!transcript?.complete || this.media.querySelector("track")) return;
    this.media.append(h("track", { kind: "captions", label: "Captions", srclang: transcript.language || "en",
      src: `${transcript.url}?format=vtt` }));
  }

  /** The length in seconds, as far as it is known. */
  get duration() {
    return Number.isFinite(this.media.duration) ? this.media.duration : this.length;
  }

  get position() {
    return this.media.currentTime;
  }

  seek(seconds, play = false) {
    this.media.currentTime = Math.max(0, seconds);
    if (play) this.media.play().catch(() => undefined);
  }

  hear(listener) {
    for (const name of ["timeupdate", "seeking", "durationchange"]) {
      this.media.addEventListener(name, () => listener(this.media.currentTime));
    }
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, dialog")) return;
    const acts = { k: () => this.toggle(), j: () => this.seek(this.position - STEP), l: () => this.seek(this.position + STEP),
      c: () => this.caption() };
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  toggle() {
    if (this.media.paused) this.media.play().catch(() => undefined);
    else this.media.pause();
  }

  /** Shows the captions, or hides them. */
  caption() {
    const [track] = this.media.textTracks;
    if (track) track.mode = track.mode === "showing" ? "hidden" : "showing";
  }

  leave() {
    document.removeEventListener("keydown", this.keys);
    this.media.pause();
    this.media.removeAttribute("src");
    this.media.load();
  }
}
