// The browser's session: renewed once for all who ask, over when the service says so, and in every tab.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const RENEW_AT = "tidemark-renew-at";
const stored = new Map();
const heard = new EventTarget();
let asked = [];
let answers = [];

globalThis.localStorage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
};
Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true }); // as at http://10.0.0.5: without locks
globalThis.addEventListener = heard.addEventListener.bind(heard);
globalThis.fetch = async (path, { method }) => {
  asked.push(`${method} ${path}`);
  const answer = answers.shift();
  if (!answer) throw new TypeError("nobody there");
  return answer();
};
const { onSignedOut, renew, signOut } = await import("../../../web/session.js");
const { get } = await import("../../../web/api.js");
let left = 0;
onSignedOut(() => (left += 1));

const given = (status, body = {}) => () => Response.json(body, { status });
const renewed = given(200, { expires_in: 3600 });
const gone = () => new Response(null, { status: 204 });
const emptied = (key) => heard.dispatchEvent(Object.assign(new Event("storage"), { key, newValue: null }));

beforeEach(() => {
  [asked, answers, left] = [[], [], 0];
  stored.set(RENEW_AT, "1");
});

test("who asks meanwhile is answered by the same renewal, locks or not", async () => {
  answers = [renewed, renewed];
  assert.deepEqual(await Promise.all([renew(), renew(), renew()]), [true, true, true]);
  assert.deepEqual(asked, ["POST /api/v1/auth/session/refresh"]);
  assert.equal(await renew(), true);
  assert.equal(asked.length, 2);
});

test("only a refusal ends the session: a service that is away or busy says nothing about it", async () => {
  for (const away of [undefined, given(503), given(429)]) {
    answers = [given(401), away];
    await assert.rejects(get("/api/v1/account"), { name: "Error" });
    assert.deepEqual([left, stored.get(RENEW_AT)], [0, "1"]);
  }
  answers = [given(401), given(401)];
  await assert.rejects(get("/api/v1/account"), { status: 401 });
  assert.deepEqual([left, stored.has(RENEW_AT)], [1, false]);
});

test("one has left when the service says so, and not before", async () => {
  for (const not of [undefined, given(500, { detail: "Something went wrong." }), given(403)]) {
    answers = [not];
    await assert.rejects(signOut(), { name: "Error" });
    assert.deepEqual([left, stored.get(RENEW_AT)], [0, "1"]);
  }
  for (const done of [gone, given(401)]) {
    answers = [done];
    await signOut();
  }
  assert.deepEqual([left, stored.has(RENEW_AT)], [2, false]);
});

test("when one tab has left, every other leaves", () => {
  emptied("theme");
  heard.dispatchEvent(Object.assign(new Event("storage"), { key: RENEW_AT, newValue: "2" }));
  assert.equal(left, 0);
  emptied(RENEW_AT);
  emptied(null);
  assert.equal(left, 2);
});
