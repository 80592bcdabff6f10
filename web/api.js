// Calls of the API. The browser proves who it is by cookies that no script can read; see session.js.
import { renew, signedOut } from "./session.js";

/** What the service said instead of doing it: a stable `code`, a sentence for a person, wrong `fields` by name. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || "The service did not answer as it should.");
    this.status = status;
    this.code = body.code || "unknown";
    this.fields = Object.fromEntries((body.errors || []).map((error) => [error.field, error.message]));
  }
}

const AWAY = { code: "away", detail: "The service cannot be reached. Check your connection; this will be tried again." };

/** The answer's JSON; null where it has none. Throws Problem. */
export async function call(method, path, body, options = {}) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const response = await send(path, { method, headers, body: sent, ...options });
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

export const get = (path, options) => call("GET", path, undefined, options);

/** As fetch, with the session renewed once where it has run out, but at the `door` itself. Throws Problem `away`. */
export async function send(path, options = {}) {
  const response = await asked(path, options);
  if (response.status !== 401 || options.door) return response;
  if (await renew()) return asked(path, options);
  signedOut();
  return response;
}

/** What an answer that is no success says. */
export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return new Problem(response.status, body);
}

async function asked(path, options) {
  try {
    return await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, AWAY);
  }
}

/** The query string of what is set, with its question mark. */
export function query(wanted) {
  const kept = Object.entries(wanted).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return kept.length ? `?${new URLSearchParams(kept)}` : "";
}
