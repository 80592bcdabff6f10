// Which server is used, how to record, and what proves to that server who asks.
//
// chrome.storage.local: `settings`; `key`, an API key, or `refresh`, a token for the next session: both must outlive the
// browser, or what waits to be sent could not be. chrome.storage.session, in memory alone: `access`. A password is never
// kept. What proves who asks is given out for the configured server only, and goes into headers, never into addresses.

export const SETTINGS = { server: "", quality: "medium", fps: 15 };
export const QUALITIES = {
  low: { label: "Small: 720p, 1 Mbit/s", width: 1280, height: 720, bits: 1_000_000 },
  medium: { label: "Good: 1080p, 2.5 Mbit/s", width: 1920, height: 1080, bits: 2_500_000 },
  high: { label: "Fine: 1440p, 6 Mbit/s", width: 2560, height: 1440, bits: 6_000_000 },
};
export const RATES = [5, 15, 30, 60];

const EARLY_MS = 30_000;
const PATIENCE_MS = 20_000;
let renewing = null;

/** Nobody is signed in, or somebody at another server: what waits is kept until that changes. */
export class NotSignedIn extends Error {}

/** How it is configured, whole. */
export async function settings() {
  const { settings: kept } = await chrome.storage.local.get("settings");
  return { ...SETTINGS, ...kept };
}

/** Changes some of it. Another server forgets what proved who asks at the one before. */
export async function configure(changes) {
  const before = await settings();
  if (changes.server !== undefined && changes.server !== before.server) await forget();
  await chrome.storage.local.set({ settings: { ...before, ...changes } });
}

/** The origin that an address stands for. Throws Error with a sentence for people. */
export function originOf(text) {
  const typed = text.trim();
  const whole = typed.includes("://") ? typed : `https://${typed}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (!["https:", "http:"].includes(url?.protocol)) {
    throw new Error("That is no address of a server. It looks like https://tidemark.example.org.");
  }
  return url.origin;
}

/** Whether what is sent to that server never leaves this machine. */
export function isHere(server) {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(server).hostname);
}

/** "key", "person", or null where nobody is signed in. */
export async function signedIn() {
  const kept = await chrome.storage.local.get(["key", "refresh"]);
  return (kept.key && "key") || (kept.refresh && "person") || null;
}

/** Proves with an API key from now on. Throws Error unless it looks like one. */
export async function useKey(key) {
  if (!/^tmk_[0-9A-Za-z]{20,}$/.test(key.trim())) throw new Error("That is no API key: one begins with tmk_.");
  await forget();
  await chrome.storage.local.set({ key: key.trim() });
}

/** Exchanges a user name and password for a session. Throws Error with what the service says. */
export async function signIn(username, password) {
  const { server } = await settings();
  const tokens = await posted(server, "/api/v1/auth/token", { username, password });
  await forget();
  await keep(tokens);
}

/** Ends the session here, and there if the server can be told so; whether it was, or need not be. */
export async function signOut() {
  const told = (await signedIn()) !== "person" || (await ended());
  await forget();
  return told;
}

async function ended() {
  try {
    const { server } = await settings();
    const options = { method: "POST", headers: await proof(server), ...plain() };
    const { ok, status } = await fetch(new URL("/api/v1/auth/logout", server), options);
    return ok || status === 401;
  } catch (error) {
    return error instanceof NotSignedIn;
  }
}

/**
 * The headers that prove to that server who asks. `stale` is what it has just refused.
 * Only the service worker calls this: a refresh token is good for one time. Throws NotSignedIn, or Error to try again.
 */
export async function proof(server, stale = null) {
  const kept = await chrome.storage.local.get(["key", "refresh"]);
  if (server !== (await settings()).server) throw new NotSignedIn(`This belongs to ${server}: choose that server again.`);
  if (kept.key) {
    if (stale?.["X-API-Key"] === kept.key) throw new NotSignedIn("The API key was refused: enter another.");
    return { "X-API-Key": kept.key };
  }
  if (!kept.refresh) throw new NotSignedIn("Nobody is signed in.");
  const { access } = await chrome.storage.session.get("access");
  const usable = access && Date.now() < access.until && stale?.Authorization !== `Bearer ${access.token}`;
  return { Authorization: `Bearer ${usable ? access.token : await renewed(server, kept.refresh)}` };
}

function renewed(server, refresh) {
  renewing ??= renew(server, refresh).finally(() => (renewing = null));
  return renewing;
}

async function renew(server, refresh) {
  try {
    const tokens = await posted(server, "/api/v1/auth/token/refresh", { refresh });
    await keep(tokens);
    return tokens.access;
  } catch (error) {
    if (!(error.status >= 400 && error.status < 500) || error.status === 429) throw error;
    await forget();
    throw new NotSignedIn("The session has ended: sign in again.");
  }
}

async function keep({ access, refresh, expires_in: seconds }) {
  await chrome.storage.local.set({ refresh });
  await chrome.storage.session.set({ access: { token: access, until: Date.now() + seconds * 1000 - EARLY_MS } });
}

async function forget() {
  await chrome.storage.session.remove("access");
  await chrome.storage.local.remove(["key", "refresh"]);
}

async function posted(server, path, body) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(new URL(path, server), { method: "POST", headers, body: JSON.stringify(body), ...plain() });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw Object.assign(new Error(answer.detail || `The server answered ${response.status}.`), { status: response.status });
}

const plain = () => ({ credentials: "omit", redirect: "error", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
