// Which servers are this machine, and what signing out says where the server is away.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const area = (kept) => ({
  get: async (names) => Object.fromEntries([names].flat().filter((name) => name in kept).map((name) => [name, kept[name]])),
  set: async (changes) => void Object.assign(kept, changes),
  remove: async (names) => void [names].flat().forEach((name) => delete kept[name]),
});
let local;
let answer;
globalThis.fetch = async () => answer();
const { isHere, signOut } = await import("../../../extension/account.js");

beforeEach(() => {
  local = { settings: { server: "https://tidemark.example.org" }, refresh: "r" };
  const access = { token: "a", until: Date.now() + 60_000 };
  globalThis.chrome = { storage: { local: area(local), session: area({ access }) } };
});

test("only addresses of this machine are here", () => {
  for (const server of ["http://localhost", "http://localhost:8080", "http://127.0.0.1", "http://127.1.2.3:1", "http://[::1]:9"]) {
    assert.ok(isHere(server), server);
  }
  for (const name of ["localhost.evil.com", "127.0.0.1.evil.com", "127.evil.com", "localhostile", "[::2]", "10.0.0.1", "128.0.0.1"]) {
    assert.ok(!isHere(`http://${name}`), name);
  }
});

test("signing out forgets in any case, and says whether the server knows", async () => {
  const away = () => Promise.reject(new TypeError("nobody there"));
  const answers = [[away, false], [() => new Response("", { status: 503 }), false]];
  answers.push([() => new Response(null, { status: 204 }), true], [() => new Response("", { status: 401 }), true]);
  for (const [given, told] of answers) {
    [answer, local.refresh] = [given, "r"];
    assert.equal(await signOut(), told);
    assert.ok(!("refresh" in local));
  }
  local.key = "tmk_x";
  answer = away;
  assert.equal(await signOut(), true);
  assert.ok(!("key" in local));
});
