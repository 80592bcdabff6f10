// What is in the queue reaches a server that speaks tus, whatever happens between the two.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Sender } from "../../../extension/sending.js";

const HERE = "https://tidemark.example.org";
const VERSION = { "Tus-Resumable": "1.0.0" };

/** A queue in memory: what extension/queue.js keeps on disk. */
class Queue {
  constructor() {
    this.bytes = new Map();
    this.addresses = new Map();
    this.results = [];
    this.addressed = async (id, address) => void this.addresses.set(id, address);
  }

  append(id, text) {
    this.bytes.set(id, (this.bytes.get(id) ?? "") + text);
    return this.bytes.get(id).length;
  }

  async bytesFrom(id, offset) {
    return new Blob([this.bytes.get(id).slice(offset, offset + 4)]);
  }

  async finish({ id }, result) {
    this.bytes.delete(id);
    this.results.push(result);
  }

  async discard(id) {
    this.bytes.delete(id);
  }
}

/** A server: what it has, and what it was asked. */
class Server {
  constructor() {
    this.uploads = [];
    this.asked = [];
    this.failing = () => null;
    this.fetch = async (url, options) => {
      this.asked.push({ url: String(url), ...options });
      return this.failing(options) ?? this.answer(new URL(url), options);
    };
  }

  async answer(url, { method, headers, body }) {
    if (method === "POST") {
      this.uploads.push({ text: "", length: null, gone: false });
      return response(201, { Location: `/api/v1/uploads/${this.uploads.length - 1}` });
    }
    const upload = this.uploads[Number(url.pathname.split("/").pop())];
    if (method === "DELETE" || upload.gone) upload.gone = true;
    if (upload.gone) return response(410, {}, { code: "upload_gone", detail: "The upload has ended." });
    if (method === "PATCH") {
      if (Number(headers["Upload-Offset"]) !== upload.text.length) return response(409, {}, { code: "wrong_offset" });
      upload.text += await body.text();
      if (headers["Upload-Length"]) upload.length = Number(headers["Upload-Length"]);
    }
    const length = upload.length === null ? {} : { "Upload-Length": String(upload.length) };
    return response(method === "PATCH" ? 204 : 200, { "Upload-Offset": String(upload.text.length), ...length });
  }
}

const response = (status, headers, body) => new Response(body ? JSON.stringify(body) : null, { status, headers: { ...VERSION, ...headers } });

function setting({ proof = async () => ({ headers: { "X-API-Key": "tmk_1" } }), alive } = {}) {
  const [queue, server] = [new Queue(), new Server()];
  const sender = new Sender({ queue, proof, fetch: server.fetch, alive });
  const recording = (text, changed = {}) => {
    if (text) queue.append("one", text);
    return { id: "one", title: "A talk", server: HERE, metadata: { title: "A talk" }, size: text.length, ended: true, address: null, ...changed };
  };
  return { queue, server, sender, recording };
}

async function until(so) {
  for (let turns = 0; !so(); turns += 1) {
    assert.ok(turns < 2000, "that did not come to pass");
    await new Promise((wake) => setTimeout(wake, 2));
  }
}

test("what grows is sent while it grows, and deleted when the server has all of it", async () => {
  const { queue, server, sender, recording } = setting();
  const source = sender.add(recording("abcdef", { ended: false }));
  await until(() => server.uploads[0]?.text === "abcdef");
  source.grew(queue.append("one", "ghi"));
  await until(() => server.uploads[0].text === "abcdefghi");
  assert.ok(queue.bytes.has("one"));
  source.end();
  await until(() => sender.idle);
  assert.deepEqual([server.uploads.length, server.uploads[0].length], [1, 9]);
  assert.deepEqual(queue.results, ["0"]);
  assert.equal(queue.bytes.size, 0);
});

test("an answer that is lost makes nothing arrive twice", async () => {
  const { server, sender, recording } = setting();
  let lost = false;
  const { fetch } = server;
  sender.fetch = async (url, options) => {
    const answer = await fetch(url, options);
    if (options.method !== "PATCH" || lost) return answer;
    lost = true;
    throw new TypeError("the network went away");
  };
  sender.add(recording("abcdefghij"));
  await until(() => sender.idle);
  assert.equal(server.uploads[0].text, "abcdefghij");
  assert.equal(server.uploads.length, 1);
});

test("no byte is sent before its address is on disk", async () => {
  const { queue, server, sender, recording } = setting();
  let kept = null;
  queue.addressed = () => new Promise((resolve) => (kept = resolve));
  sender.add(recording("abc"));
  await until(() => kept);
  await new Promise((wake) => setImmediate(wake));
  assert.deepEqual(server.asked.map(({ method }) => method), ["POST"]);
  kept();
  await until(() => sender.idle);
  assert.equal(server.uploads[0].text, "abc");
});

test("after a restart it goes on where the server is", async () => {
  const { server, sender, recording } = setting();
  server.uploads.push({ text: "abcd", length: null, gone: false });
  sender.add(recording("abcdefgh", { address: "/api/v1/uploads/0" }));
  await until(() => sender.idle);
  assert.equal(server.uploads.length, 1);
  const sent = await Promise.all(server.asked.filter(({ method }) => method === "PATCH").map(({ body }) => body.text()));
  assert.equal(sent.join(""), "efgh");
});

test("a restart after the last byte sends nothing", async () => {
  const { server, sender, recording, queue } = setting();
  server.uploads.push({ text: "abcd", length: 4, gone: false });
  sender.add(recording("abcd", { address: "/api/v1/uploads/0" }));
  await until(() => sender.idle);
  assert.deepEqual(server.asked.map(({ method }) => method), ["HEAD"]);
  assert.deepEqual(queue.results, ["0"]);
});

test("what the server has closed meanwhile goes on where it was, once that is worked out", async () => {
  const { server, sender, recording } = setting();
  server.uploads.push({ text: "abcd", length: null, gone: false });
  let busy = 1;
  const locked = () => response(423, {}, { code: "upload_locked", detail: "What came before is still being worked on." });
  server.failing = ({ method }) => (method === "PATCH" && busy-- > 0 ? locked() : null);
  sender.add(recording("abcdefgh", { address: "/api/v1/uploads/0" }));
  await until(() => sender.states()[0]?.problem);
  assert.equal(sender.states()[0].problem, "What came before is still being worked on.");
  sender.retry();
  await until(() => sender.idle);
  assert.deepEqual(server.uploads.map(({ text, length }) => [text, length]), [["abcdefgh", 8]]);
});

test("of what the server has closed and was all, the end alone is told", async () => {
  const { server, sender, recording } = setting();
  server.uploads.push({ text: "abcd", length: null, gone: false });
  sender.add(recording("abcd", { address: "/api/v1/uploads/0" }));
  await until(() => sender.idle);
  assert.deepEqual(server.asked.map(({ method }) => method), ["HEAD", "PATCH"]);
  assert.deepEqual([server.uploads[0].text, server.uploads[0].length], ["abcd", 4]);
});

test("what the server gave up is sent anew, whole", async () => {
  const { server, sender, recording, queue } = setting();
  server.uploads.push({ text: "abcd", length: null, gone: true });
  sender.add(recording("abcdefgh", { address: "/api/v1/uploads/0" }));
  await until(() => sender.idle);
  assert.equal(server.uploads[1].text, "abcdefgh");
  assert.equal(queue.addresses.get("one"), "/api/v1/uploads/1");
});

test("an address that the disk refuses is tried again, before a byte is sent", async () => {
  const { queue, server, sender, recording } = setting();
  const keep = queue.addressed;
  queue.addressed = async () => {
    throw new DOMException("no room", "QuotaExceededError");
  };
  sender.add(recording("abc"));
  await until(() => sender.states()[0]?.problem);
  assert.match(sender.states()[0].problem, /disk is full/);
  queue.addressed = keep;
  sender.retry();
  await until(() => sender.idle);
  assert.deepEqual([server.uploads.length, server.uploads[0].text], [1, "abc"]);
});

test("while nothing comes the server hears that it will go on", async () => {
  const { queue, server, sender, recording } = setting({ alive: 5 });
  const source = sender.add(recording("abc", { ended: false }));
  const empty = () => server.asked.filter(({ method, body }) => method === "PATCH" && body.size === 0).length;
  await until(() => empty() >= 2);
  source.grew(queue.append("one", "def"));
  source.end();
  await until(() => sender.idle);
  assert.deepEqual([server.uploads[0].text, server.uploads[0].length], ["abcdef", 6]);
});

test("what waits for somebody to sign in is kept, and sent then", async () => {
  let signedIn = false;
  const proof = async () => (signedIn ? { headers: { Authorization: "Bearer a" } } : { refused: "Nobody is signed in." });
  const { queue, server, sender, recording } = setting({ proof });
  sender.add(recording("abc"));
  await until(() => sender.states()[0].problem);
  assert.equal(sender.states()[0].problem, "Nobody is signed in.");
  assert.equal(server.asked.length, 0);
  assert.ok(queue.bytes.has("one"));
  signedIn = true;
  sender.retry();
  await until(() => sender.idle);
  assert.equal(server.uploads[0].text, "abc");
});

test("a token that has run out is renewed once", async () => {
  const stale = [];
  const proof = async (_, old) => {
    if (old) stale.push(old.Authorization);
    return { headers: { Authorization: old ? "Bearer new" : "Bearer old" } };
  };
  const { server, sender, recording } = setting({ proof });
  server.failing = ({ headers }) => (headers.Authorization === "Bearer old" ? response(401, {}, {}) : null);
  sender.add(recording("ab"));
  await until(() => sender.idle);
  assert.equal(server.uploads[0].text, "ab");
  assert.deepEqual([...new Set(stale)], ["Bearer old"]);
});

test("nobody but the server is told who asks, and no address says it", async () => {
  const { server, sender, recording } = setting();
  server.failing = ({ method }) => (method === "POST" ? response(201, { Location: "https://elsewhere.example/uploads/0" }) : null);
  sender.add(recording("ab"));
  await until(() => sender.states()[0].problem);
  assert.deepEqual(server.asked.map(({ url }) => url), [`${HERE}/api/v1/uploads`]);
  assert.ok(server.asked.every(({ credentials, redirect }) => credentials === "omit" && redirect === "error"));
  await sender.discard("one");
});

test("a recording that is discarded is given up at the server too", async () => {
  const { queue, server, sender, recording } = setting();
  sender.add(recording("abc", { ended: false }));
  await until(() => server.uploads[0]?.text === "abc");
  await sender.discard("one");
  assert.ok(server.uploads[0].gone);
  assert.equal(queue.bytes.size, 0);
  assert.ok(sender.idle);
});
