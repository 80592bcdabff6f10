// A resumable upload by tus 1.0.0, as the service speaks it: creation, deferred length, termination.
//
// Nothing here knows a page: `send(address, options)` is a fetch that proves who asks, `store` keeps addresses by name.
// A source gives bytes: `read(offset)` what follows an offset, waiting for it if need be, null at the end; `size` is the
// length, null while nobody knows it; `drop(offset)`, where there is one, hears what the service has for certain.

const VERSION = { "Tus-Resumable": "1.0.0" };
const BODY = "application/offset+octet-stream";
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000, 15_000];
const MIB = 1024 * 1024;

/** The service refused for a reason that another try does not change. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.detail || "The upload was refused.");
    this.status = status;
    this.code = body.code;
  }
}

/** A file, in pieces that make progress visible and lose little when they break. */
export class FileSource {
  constructor(file) {
    this.file = file;
    this.size = file.size;
    this.piece = Math.min(8 * MIB, Math.max(MIB, Math.ceil(file.size / 20)));
  }

  async read(offset) {
    return offset < this.size ? this.file.slice(offset, offset + this.piece) : null;
  }
}

/** One upload. `run` goes on until all is there; `pause`, `resume` and `cancel` may be called at any time. */
export class Upload {
  constructor({ endpoint, source, metadata, send, store = null, name = null, seen = () => undefined }) {
    Object.assign(this, { endpoint, source, metadata, send, store, name, seen });
    this.offset = 0;
    this.address = null;
    this.paused = false;
    this.cancelled = false;
    this.failures = 0;
    this.declared = null;
    this.wake = () => undefined;
  }

  /** The id of the recording that the upload becomes; null before there is one. */
  get id() {
    return this.address && this.address.split("/").pop();
  }

  /** Sends everything; whether it was, and not cancelled. Throws Refused. */
  async run() {
    this.address = (this.store && this.name && this.store.getItem(this.name)) || null;
    let known = !this.address;
    while (!this.cancelled) {
      await this.turn();
      if (this.cancelled) break;
      try {
        if (!this.address) await this.create();
        else if (!known) await this.ask();
        known = true;
        if (await this.next()) return this.finished();
        this.failures = 0;
      } catch (error) {
        known = false;
        await this.after(error);
      }
    }
    return false;
  }

  pause() {
    this.paused = true;
    this.stopping?.abort();
    this.tell();
  }

  resume() {
    this.paused = false;
    this.wake();
    this.tell();
  }

  /** Gives it up, here and at the service. */
  async cancel() {
    this.cancelled = true;
    this.source.end?.();
    this.stopping?.abort();
    this.wake();
    this.forget();
    if (this.address) await this.send(this.address, { method: "DELETE", headers: VERSION }).catch(() => undefined);
  }

  async turn() {
    while (this.paused && !this.cancelled) await new Promise((wake) => (this.wake = wake));
  }

  async create() {
    const length = this.source.size === null ? { "Upload-Defer-Length": "1" } : { "Upload-Length": String(this.source.size) };
    const headers = { ...VERSION, ...length, "Upload-Metadata": encoded(this.metadata) };
    const response = await this.asked(this.endpoint, { method: "POST", headers });
    this.address = response.headers.get("Location");
    this.declared = this.source.size;
    if (this.store && this.name) this.store.setItem(this.name, this.address);
    this.at(0);
  }

  async ask() {
    const response = await this.asked(this.address, { method: "HEAD", headers: VERSION });
    this.declared = response.headers.has("Upload-Length") ? Number(response.headers.get("Upload-Length")) : null;
    this.at(Number(response.headers.get("Upload-Offset")));
  }

  /** Sends the next piece; whether that was the end. */
  async next() {
    const body = await this.source.read(this.offset);
    if (this.cancelled || this.paused) return false;
    const last = this.source.size;
    if (body === null && this.declared === last) return true;
    const headers = { ...VERSION, "Content-Type": BODY, "Upload-Offset": String(this.offset) };
    if (last !== null) headers["Upload-Length"] = String(last);
    const response = await this.asked(this.address, { method: "PATCH", headers, body: body || new Blob() });
    this.declared = last;
    this.at(Number(response.headers.get("Upload-Offset")));
    return last !== null && this.offset >= last;
  }

  async asked(address, options) {
    this.stopping = new AbortController();
    const response = await this.send(address, { ...options, signal: this.stopping.signal });
    if (response.ok) return response;
    throw new Refused(response.status, await response.json().catch(() => ({})));
  }

  async after(error) {
    if (this.paused || this.cancelled) return;
    const gone = error.status === 404 || error.status === 410;
    if (gone && this.address && (this.source.start || 0) === 0) {
      this.forget();
      this.address = null;
    } else if (error instanceof Refused && !again(error.status)) throw error;
    this.tell(error);
    const wait = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)];
    this.failures += 1;
    await Promise.race([pause(wait), new Promise((wake) => (this.wake = wake))]);
  }

  at(offset) {
    this.offset = offset;
    this.source.drop?.(offset);
    this.tell();
  }

  finished() {
    this.forget();
    this.tell();
    return true;
  }

  forget() {
    if (this.store && this.name) this.store.removeItem(this.name);
  }

  tell(error = null) {
    this.seen({ offset: this.offset, size: this.source.size, paused: this.paused, error });
  }
}

const again = (status) => status === 0 || status === 404 || status === 409 || status === 410 || status === 408 ||
  status === 423 || status === 429 || status >= 500;

const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

function encoded(metadata) {
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(metadata).map(([key, value]) => `${key} ${base64(String(value))}`).join(",");
}
