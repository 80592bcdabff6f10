// From the recorder to the disk: each second is kept before anything else happens to it, in order, without a gap.

/** Keeps what one recording brings. `failed(error)` is told once, when the disk takes nothing more: then record no further. */
export class Keeping {
  constructor({ queue, source, recording, failed, changed }) {
    Object.assign(this, { queue, source, id: recording.id, failed, changed });
    this.done = Promise.resolve();
    this.broken = false;
  }

  /** Takes the next bytes. What follows a gap could not be played, so nothing is kept behind one. */
  take(data) {
    this.done = this.done.then(() => (this.broken ? undefined : this.keep(data))).catch((error) => {
      this.broken = true;
      this.failed(error);
    });
  }

  async keep(data) {
    this.source.grew(await this.queue.append(this.id, await data.arrayBuffer()));
    this.changed();
  }

  /** Says that nothing follows, once all is kept. On a full disk whoever opens the queue next says it there again. */
  async end() {
    await this.done;
    await this.queue.end(this.id).catch(() => undefined);
    this.source.end();
  }
}

/** Time that goes by only while it runs, in milliseconds. */
export class Clock {
  constructor(now = Date.now) {
    Object.assign(this, { now, passed: 0, since: null });
  }

  run() {
    this.since ??= this.now();
  }

  rest() {
    if (this.since === null) return;
    this.passed += this.now() - this.since;
    this.since = null;
  }

  /** What tells others how long it has run: {passed, since}; `since` is null while it rests. */
  get state() {
    return { passed: this.passed, since: this.since };
  }
}

/** What a clock of that state shows now. */
export const shown = ({ passed, since }, now = Date.now()) => passed + (since === null ? 0 : now - since);

/** What went wrong on this computer's disk, as a sentence. */
export function toldOfDisk(error) {
  const full = error.name === "QuotaExceededError";
  return full ? "the disk is full, or the browser gives the extension no more of it. Make room" : error.message;
}
