// A job's states as they change: its websocket, again and again until the job has ended or nobody looks any more.
import { get } from "./api.js";

const BACKOFF_MS = [500, 1000, 2000, 5000, 10_000];
const ENDED = new Set(["completed", "failed", "cancelled"]);

export const hasEnded = (status) => ENDED.has(status);

/** Calls `seen` with each newer state of the job. Returns what ends the watching. */
export function watch(jobId, seen) {
  let version = 0;
  let failures = 0;
  let socket = null;
  let timer = 0;
  let over = false;

  const take = (state) => {
    failures = 0;
    if (over || state.version <= version) return;
    version = state.version;
    if (ENDED.has(state.status)) over = true;
    seen(state);
  };
  const open = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(`${scheme}//${location.host}/api/v1/jobs/${encodeURIComponent(jobId)}/ws`);
    socket.addEventListener("message", (event) => take(JSON.parse(event.data)));
    socket.addEventListener("close", again);
  };
  const again = async () => {
    if (over) return;
    // A plain question renews the session where it has run out, and says what a websocket cannot: that it is gone.
    await get(`/api/v1/jobs/${encodeURIComponent(jobId)}`).then(take, () => undefined);
    if (over) return;
    timer = setTimeout(open, BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)]);
    failures += 1;
  };
  open();
  return () => {
    over = true;
    clearTimeout(timer);
    socket.close();
  };
}
