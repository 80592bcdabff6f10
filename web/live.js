// The states of jobs as they change: one websocket for all that is watched here, opened again while anybody looks.
import { get } from "./api.js";
import { onSignedOut } from "./session.js";

const WAITS_MS = [500, 1000, 2000, 5000, 10_000, 20_000];
const BEAT_MS = 20_000;
const IDLE_MS = 10_000;
const [A_MESSAGE, A_SOCKET] = [100, 1000];
const ENDED = new Set(["completed", "failed", "cancelled"]);

export const hasEnded = (status) => ENDED.has(status);

class Line {
  constructor() {
    this.jobs = new Map(); // by id: the newest state, its version, and who wants to know
    this.asked = new Set(); // those that the present socket was asked for
    this.socket = null;
    this.failures = 0;
    addEventListener("online", () => this.timer && this.open());
    onSignedOut(() => this.forget());
  }

  watch(id, seen) {
    const job = this.jobs.get(id) || { version: 0, state: null, listeners: new Set() };
    job.listeners.add(seen);
    this.jobs.set(id, job);
    if (job.state) queueMicrotask(() => job.listeners.has(seen) && seen(job.state));
    this.settle();
    return () => {
      job.listeners.delete(seen);
      this.settle();
    };
  }

  /** Has the socket follow what is watched, and nothing else: once for all that changes at a time. */
  settle() {
    if (this.settling) return;
    this.settling = true;
    queueMicrotask(() => {
      this.settling = false;
      for (const [id, job] of this.jobs) if (!job.listeners.size) this.jobs.delete(id);
      clearTimeout(this.idle);
      if (!this.jobs.size) this.idle = setTimeout(() => this.lost(this.socket), IDLE_MS);
      if (!this.socket && !this.timer && this.jobs.size) this.open();
      else if (this.socket?.readyState === WebSocket.OPEN) this.ask();
    });
  }

  ask() {
    const wanted = [...this.jobs.keys()].slice(0, A_SOCKET);
    const left = [...this.asked].filter((id) => !this.jobs.has(id));
    for (const jobs of pieces(left)) this.say({ type: "unsubscribe", jobs });
    left.forEach((id) => this.asked.delete(id));
    for (const jobs of pieces(wanted.filter((id) => !this.asked.has(id)))) {
      this.say({ type: "subscribe", jobs: jobs.map((id) => ({ id, seen: this.jobs.get(id).version })) });
      jobs.forEach((id) => this.asked.add(id));
    }
  }

  open() {
    clearTimeout(this.timer);
    this.timer = 0;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/jobs/ws`);
    this.socket = socket;
    socket.addEventListener("open", () => this.ask());
    socket.addEventListener("message", (event) => socket === this.socket && this.hear(JSON.parse(event.data)));
    socket.addEventListener("close", () => this.lost(socket));
    this.heard = true;
    clearInterval(this.beating);
    this.beating = setInterval(() => this.beat(), BEAT_MS);
  }

  /** A connection that died without a word is noticed by the answer that does not come. */
  beat() {
    if (!this.heard) return this.lost(this.socket);
    this.heard = false;
    if (this.socket.readyState === WebSocket.OPEN) this.say({ type: "ping" });
    return undefined;
  }

  hear(told) {
    this.heard = true;
    if (told.type === "refused" && told.problem.code !== "not_found") return this.lost(this.socket);
    this.failures = 0;
    if (told.type === "state") this.take(told.job);
    else if (told.type === "refused" || told.gone) told.jobs.forEach((id) => this.end(id));
    return undefined;
  }

  take(state) {
    const job = this.jobs.get(state.id);
    if (!job || state.version <= job.version) return;
    Object.assign(job, { state, version: state.version });
    if (ENDED.has(state.status)) this.end(state.id);
    for (const seen of [...job.listeners]) seen(state);
  }

  /** Nothing more comes of this job, unless somebody asks for it anew. */
  end(id) {
    this.jobs.delete(id);
    if (this.asked.delete(id) && this.socket?.readyState === WebSocket.OPEN) this.say({ type: "unsubscribe", jobs: [id] });
    this.settle();
  }

  lost(socket) {
    if (!socket || socket !== this.socket) return;
    this.socket = null;
    socket.close();
    clearInterval(this.beating);
    this.asked.clear();
    if (this.jobs.size) this.again();
  }

  again() {
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(async () => {
      // A plain question renews the session where it has run out, and says what a websocket cannot: that it is gone.
      await get("/api/v1/account").catch(() => undefined);
      if (this.timer && this.jobs.size) this.open();
      this.timer = 0;
    }, wait * (0.75 + Math.random() / 2));
  }

  forget() {
    this.jobs.clear();
    clearTimeout(this.timer);
    this.timer = 0;
    this.lost(this.socket);
  }

  say(told) {
    this.socket.send(JSON.stringify(told));
  }
}

const line = new Line();

/** Calls `seen` with each newer state of the job, until it has ended. Returns what ends the watching. */
export const watch = (jobId, seen) => line.watch(jobId, seen);

function* pieces(ids) {
  for (let start = 0; start < ids.length; start += A_MESSAGE) yield ids.slice(start, start + A_MESSAGE);
}
