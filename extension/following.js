// The words of a recording as they are understood: what is stored, then what its job's websocket tells.

const BACKOFF_MS = [1000, 2000, 4000, 8000];
const ENDED = new Set(["completed", "failed", "cancelled"]);

/** Follows a recording at a server; `show(segments, draft, status)` gets all that is known. Returns what ends it. */
export function follow({ server, id, proof, show, fetch = globalThis.fetch.bind(globalThis), Socket = WebSocket }) {
  const following = new Following({ server, id, proof, show, fetch, Socket });
  following.run();
  return () => following.end();
}

class Following {
  constructor(given) {
    Object.assign(this, given);
    this.segments = new Map();
    this.over = false;
    this.socket = null;
  }

  async run() {
    for (let failures = 0; !this.over; failures += 1) {
      const before = this.segments.size;
      await this.watch().catch(() => undefined);
      if (this.segments.size > before) failures = 0;
      if (!this.over) await pause(BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)]);
    }
  }

  end() {
    this.over = true;
    this.socket?.close();
  }

  async watch() {
    const recording = await this.call("GET", `/api/v1/recordings/${this.id}`);
    const transcript = await this.call("GET", `/api/v1/recordings/${this.id}/transcript`).catch(() => null);
    this.take(transcript?.segments ?? [], "", recording.status);
    const { ticket } = await this.call("POST", "/api/v1/tickets");
    const url = new URL(`/api/v1/jobs/${recording.job_id}/ws?ticket=${encodeURIComponent(ticket)}`, this.server);
    url.protocol = url.protocol.replace("http", "ws");
    await this.listen(url);
  }

  listen(url) {
    return new Promise((closed) => {
      this.socket = new this.Socket(url);
      this.socket.addEventListener("message", ({ data }) => this.heard(JSON.parse(data)));
      this.socket.addEventListener("close", closed);
      if (this.over) this.socket.close();
    });
  }

  /** One state of the job: its newest segments, and what is being said where that is known. */
  heard({ status, results = {} }) {
    this.take(results.transcript?.segments ?? [], results.live?.draft?.text ?? "", status);
    if (ENDED.has(status)) this.over = true;
  }

  take(segments, draft, status) {
    for (const segment of segments) this.segments.set(segment.id, segment);
    if (this.over) return;
    this.show([...this.segments.values()].sort((one, other) => one.id - other.id), draft, status);
  }

  async call(method, path) {
    const url = new URL(path, this.server);
    const first = await this.proof(this.server);
    let response = await this.asked(url, method, first);
    if (response.status === 401) response = await this.asked(url, method, await this.proof(this.server, first));
    if (!response.ok) throw new Error(`${response.status}`);
    return response.json();
  }

  asked(url, method, headers) {
    const signal = AbortSignal.timeout(15_000);
    return this.fetch(url, { method, headers, signal, credentials: "omit", redirect: "error", cache: "no-store" });
  }
}

const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));
