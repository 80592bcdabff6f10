// The words of a recording, from what is stored and from its job's websocket.
import assert from "node:assert/strict";
import { test } from "node:test";

import { follow } from "../../../extension/following.js";

const SERVER = "https://tidemark.example.org";
const said = (...ids) => ids.map((id) => ({ id, start: id, end: id + 1, text: `word ${id}` }));

class Socket extends EventTarget {
  static made = [];

  constructor(url) {
    super();
    this.url = String(url);
    Socket.made.push(this);
  }

  tell(state) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(state) }));
  }

  close() {
    this.dispatchEvent(new Event("close"));
  }
}

function following(answers) {
  Socket.made = [];
  const [shown, asked] = [[], []];
  const fetch = async (url, { method, headers }) => {
    asked.push({ url: String(url), method, headers });
    return Response.json(answers[url.pathname.split("/").pop()] ?? { job_id: "job", status: "live" });
  };
  const show = (segments, draft) => shown.push([segments.map(({ id }) => id), draft]);
  const end = follow({ server: SERVER, id: "one", proof: async () => ({ Authorization: "Bearer a" }), show, fetch, Socket });
  return { shown, asked, end };
}

async function until(so) {
  for (let turns = 0; !so(); turns += 1) {
    assert.ok(turns < 2000, "that did not come to pass");
    await new Promise((wake) => setTimeout(wake, 2));
  }
}

test("stored segments, then newer ones and the draft where there is one", async () => {
  const { shown, asked, end } = following({ transcript: { segments: said(0, 1) }, tickets: { ticket: "t/1" } });
  await until(() => Socket.made.length);
  const [socket] = Socket.made;
  assert.equal(socket.url, "wss://tidemark.example.org/api/v1/jobs/job/ws?ticket=t%2F1");
  assert.ok(asked.every(({ url, headers }) => headers.Authorization === "Bearer a" && !url.includes("Bearer")));
  socket.tell({ status: "running", results: { transcript: { segments: said(1, 2) } } });
  socket.tell({ status: "running", results: { live: { draft: { text: "what is" } } } });
  socket.tell({ status: "running" });
  assert.deepEqual(shown, [[[0, 1], ""], [[0, 1, 2], ""], [[0, 1, 2], "what is"], [[0, 1, 2], ""]]);
  end();
});

test("a websocket that closes is opened anew with another ticket, until the job has ended", async () => {
  const { asked } = following({ transcript: { segments: said(0) }, tickets: { ticket: "t" } });
  await until(() => Socket.made.length === 1);
  Socket.made[0].close();
  await until(() => Socket.made.length === 2);
  assert.equal(asked.filter(({ method }) => method === "POST").length, 2);
  Socket.made[1].tell({ status: "completed", results: {} });
  Socket.made[1].close();
  await new Promise((wake) => setImmediate(wake));
  assert.equal(Socket.made.length, 2);
});
