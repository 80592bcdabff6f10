// From the queue to the server: one resumable upload a recording, again and again until the server has all of it.
import { toldOfDisk } from "./keeping.js";
import { Refused, Upload } from "./tus.js";

const PATIENCE_MS = 60_000;
const ALIVE_MS = 45_000; // the server closes what it has not heard of for two minutes

/** What a recording's upload sends: the chunks that are on disk, in order. */
export class QueueSource {
  constructor(queue, recording, alive = ALIVE_MS) {
    this.queue = queue;
    this.alive = alive;
    this.id = recording.id;
    this.stored = recording.size;
    this.size = recording.ended ? recording.size : null;
    this.settle = null;
    this.wake = () => undefined;
  }

  /** Says how much is on disk now. */
  grew(stored) {
    this.stored = stored;
    this.wake();
  }

  end() {
    this.size = this.stored;
    this.wake();
  }

  /** Nothing, as a sign of life, where nothing comes for a while: the recorder pauses. */
  async read(offset) {
    await this.settle?.();
    const until = Date.now() + this.alive;
    while (offset >= this.stored) {
      if (this.size !== null) return null;
      if (Date.now() >= until) return new Blob();
      await this.growth(until - Date.now());
    }
    return this.queue.bytesFrom(this.id, offset);
  }

  /** Returns when more is on disk, or it has ended, or so much time has passed. */
  async growth(milliseconds) {
    let timer = null;
    await new Promise((wake) => {
      this.wake = wake;
      timer = setTimeout(wake, milliseconds);
    });
    clearTimeout(timer);
  }
}

/** What tus.js keeps addresses in: on disk before the first byte is sent, so that nothing is ever sent to a second one. */
class Addresses {
  constructor(queue, source, address) {
    Object.assign(this, { queue, source, address });
  }

  getItem() {
    return this.address;
  }

  /** Whoever reads from the source waits for it, and tries again what the disk has refused. */
  setItem(id, address) {
    this.address = address;
    this.source.settle = async () => {
      await this.queue.addressed(id, address);
      this.source.settle = null;
    };
  }

  /** Nothing: an address that is no good is replaced by the next, and one that was is deleted with the chunks. */
  removeItem() {}
}

/** Sends what is in the queue. `proof(server, stale)` gives headers; `changed` is called whenever something is to be told. */
export class Sender {
  constructor({ queue, proof, changed = () => undefined, fetch = (...given) => globalThis.fetch(...given), alive }) {
    Object.assign(this, { queue, proof, changed, fetch, alive });
    this.going = new Map();
  }

  /** Whether nothing is left to be sent. */
  get idle() {
    return this.going.size === 0;
  }

  /** Sends a recording, once; returns its source. */
  add(recording) {
    const known = this.going.get(recording.id);
    if (known) return known.source;
    const source = new QueueSource(this.queue, recording, this.alive);
    const sent = { recording, source, upload: null, offset: 0, problem: null, refused: false };
    this.going.set(recording.id, sent);
    this.run(sent);
    return source;
  }

  /** Tries at once what waits for the next try, and anew what was refused. */
  retry() {
    for (const sent of this.going.values()) {
      if (sent.refused) this.run(sent);
      else sent.upload?.resume();
    }
  }

  /** Gives a recording up, here and at the server. */
  async discard(id) {
    const sent = this.going.get(id);
    this.going.delete(id);
    if (sent) await this.upload(sent).cancel();
    await this.queue.discard(id);
    this.changed();
  }

  /** What is told of each: how much is on disk, how much at the server, and what is wrong. */
  states() {
    return [...this.going.values()].map(({ recording, source, upload, offset, problem }) => ({
      id: recording.id, title: recording.title, server: recording.server, startedAt: recording.startedAt,
      ended: source.size !== null, stored: source.stored, sent: Math.min(offset, source.stored), problem,
      result: upload?.id ?? null,
    }));
  }

  async run(sent) {
    sent.refused = false;
    sent.problem = null;
    try {
      if (sent.source.size === 0) return await this.discard(sent.recording.id); // not even one second was kept
      if (await this.upload(sent).run()) await this.finish(sent);
    } catch (error) {
      sent.refused = true;
      sent.problem = error.message;
    }
    return this.changed();
  }

  async finish({ recording, upload }) {
    await this.queue.finish(recording, upload.id);
    this.going.delete(recording.id);
  }

  upload(sent) {
    const { recording, source } = sent;
    sent.upload ??= new Upload({
      endpoint: "/api/v1/uploads",
      source,
      metadata: recording.metadata,
      name: recording.id,
      store: new Addresses(this.queue, source, recording.address),
      send: (address, options) => this.send(recording.server, address, options),
      seen: ({ offset, error }) => {
        Object.assign(sent, { offset, problem: error && told(error) });
        this.changed();
      },
    });
    return sent.upload;
  }

  /** As fetch, at that server alone, with what proves who asks: once more where that has run out. */
  async send(server, address, options) {
    const url = new URL(address, server);
    if (url.origin !== new URL(server).origin) throw new Refused(0, { detail: "The server names another as its own." });
    const first = await this.proved(server);
    const response = await this.asked(url, options, first);
    return response.status === 401 ? this.asked(url, options, await this.proved(server, first)) : response;
  }

  async proved(server, stale = null) {
    const answer = await this.proof(server, stale);
    if (answer.refused) throw new Refused(401, { detail: answer.refused });
    if (!answer.headers) throw new Error(answer.error);
    return answer.headers;
  }

  asked(url, options, proof) {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(PATIENCE_MS)].filter(Boolean));
    const headers = { ...options.headers, ...proof };
    return this.fetch(url, { ...options, headers, signal, credentials: "omit", redirect: "error", cache: "no-store" });
  }
}

function told(error) {
  if (error instanceof Refused) return error.message;
  if (error.name === "QuotaExceededError") return `Nothing can be sent: ${toldOfDisk(error)}; this is tried again.`;
  return "The server cannot be reached; this is tried again.";
}
