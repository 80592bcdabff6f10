// Who is signed in here. Tokens are in cookies that no script reads; kept here is only when to renew them.
import { call } from "./api.js";

const DOOR = "/api/v1/auth/session";
const RENEW_AT = "tidemark-renew-at";
const LOOK_MS = 30_000;
const leavers = new Set();

/** Signs in. Throws Problem. */
export async function signIn(username, password) {
  kept(await call("POST", DOOR, { username, password }, { door: true }));
}

/** Makes an account and signs in. Throws Problem. */
export async function register(account) {
  await call("POST", "/api/v1/auth/register", account);
  await signIn(account.username, account.password);
}

/** Ends the session here. */
export async function signOut() {
  localStorage.removeItem(RENEW_AT);
  await fetch(DOOR, { method: "DELETE" }).catch(() => undefined);
  signedOut();
}

/** Has `leave` called when nobody is signed in any more. */
export function onSignedOut(leave) {
  leavers.add(leave);
}

export function signedOut() {
  localStorage.removeItem(RENEW_AT);
  for (const leave of leavers) leave();
}

/** Renews the session; whether it could be. One tab at a time: a refresh token is good for one time only. */
export async function renew() {
  const before = localStorage.getItem(RENEW_AT);
  if (before === null) return false;
  return alone(async () => {
    const now = localStorage.getItem(RENEW_AT);
    if (now !== before) return now !== null; // another tab has done it meanwhile
    const answer = await fetch(`${DOOR}/refresh`, { method: "POST" }).catch(() => null);
    if (answer && answer.ok) kept(await answer.json());
    else if (answer && answer.status < 500) localStorage.removeItem(RENEW_AT);
    return Boolean(answer && answer.ok);
  });
}

/** Renews before pictures and sound, which cannot ask again, are refused. */
export function keepAlive() {
  const look = () => {
    const at = Number(localStorage.getItem(RENEW_AT));
    if (at && Date.now() > at) renew();
  };
  setInterval(look, LOOK_MS);
  addEventListener("visibilitychange", look);
}

function kept(session) {
  localStorage.setItem(RENEW_AT, String(Date.now() + session.expires_in * 800));
}

function alone(work) {
  return navigator.locks ? navigator.locks.request("tidemark-session", work) : work();
}
