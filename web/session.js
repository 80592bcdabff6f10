// Who is signed in here. Tokens are in cookies that no script reads; kept here is only when to renew them.
import { call, problemOf, send } from "./api.js";

const DOOR = "/api/v1/auth/session";
const RENEW_AT = "tidemark-renew-at";
const LOOK_MS = 30_000;
const PATIENCE_MS = 20_000;
const leavers = new Set();
let renewing = null;

/** Signs in. Throws Problem. */
export async function signIn(username, password) {
  kept(await call("POST", DOOR, { username, password }, { door: true }));
}

/** Makes an account and signs in. Throws Problem. */
export async function register(account) {
  await call("POST", "/api/v1/auth/register", account);
  await signIn(account.username, account.password);
}

/** Ends the session, there and then here. Throws Problem where the service did not: one is signed in still. */
export async function signOut() {
  const answer = await atDoor("", "DELETE");
  if (!answer.ok && answer.status !== 401) throw await problemOf(answer);
  signedOut();
}

/** Has `leave` called when nobody is signed in any more, whichever tab it was that heard of it. */
export function onSignedOut(leave) {
  leavers.add(leave);
  addEventListener("storage", ({ key, newValue }) => {
    if (newValue === null && (key === RENEW_AT || key === null)) leave();
  });
}

export function signedOut() {
  localStorage.removeItem(RENEW_AT);
  for (const leave of leavers) leave();
}

/** Renews the session, once for all who ask meanwhile; whether it could be. Throws Problem where nobody knows that. */
export function renew() {
  renewing ??= renewed().finally(() => (renewing = null));
  return renewing;
}

async function renewed() {
  const before = localStorage.getItem(RENEW_AT);
  if (before === null) return false;
  return alone(async () => {
    const now = localStorage.getItem(RENEW_AT);
    if (now !== before) return now !== null; // another tab has done it meanwhile
    const answer = await atDoor("/refresh", "POST");
    if (answer.ok) kept(await answer.json());
    else if (answer.status === 401) localStorage.removeItem(RENEW_AT);
    else throw await problemOf(answer);
    return answer.ok;
  });
}

/** Renews before pictures and sound, which cannot ask again, are refused. */
export function keepAlive() {
  const look = () => {
    const at = Number(localStorage.getItem(RENEW_AT));
    if (at && Date.now() > at) renew().then((done) => done || signedOut(), () => undefined); // away: the next look is soon
  };
  setInterval(look, LOOK_MS);
  addEventListener("visibilitychange", look);
}

function kept(session) {
  localStorage.setItem(RENEW_AT, String(Date.now() + session.expires_in * 800));
}

function atDoor(path, method) {
  return send(`${DOOR}${path}`, { method, door: true, signal: AbortSignal.timeout(PATIENCE_MS) });
}

/** One tab at a time. Only under https, and on this machine, are there locks: elsewhere the service bears with two. */
function alone(work) {
  return navigator.locks ? navigator.locks.request("tidemark-session", work) : work();
}
