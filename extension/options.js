// The options: which server, who asks, whether the microphone may be used, and how good the picture is.
import { configure, isHere, originOf, QUALITIES, RATES, settings, signedIn, signIn, signOut, useKey } from "./account.js";

const by = (id) => document.getElementById(id);
const changed = () => chrome.runtime.sendMessage({ to: "worker", type: "retry" });

async function show() {
  const [kept, person] = [await settings(), await signedIn()];
  if (document.activeElement !== by("server")) by("server").value = kept.server;
  by("account").hidden = !kept.server;
  by("signed-in").hidden = !person;
  by("signed-out").hidden = Boolean(person);
  by("who").textContent = person === "key" ? `An API key is used at ${kept.server}.` : `You are signed in at ${kept.server}.`;
  by("quality").value = kept.quality;
  by("fps").value = String(kept.fps);
  await showMicrophone();
}

async function showMicrophone() {
  const { state } = await navigator.permissions.query({ name: "microphone" });
  by("allow").hidden = state === "granted";
  by("microphone-state").textContent = {
    granted: "The microphone may be used.",
    denied: "The microphone is refused: allow it in the browser's settings of this page.",
    prompt: "Whether it may be used can be asked for here only, not while recording.",
  }[state];
}

/** First of all the browser is asked: it wants that at once, while the click still counts. */
async function useServer() {
  const server = originOf(by("server").value);
  const permission = { origins: [`${server}/*`] };
  const before = (await settings()).server;
  if (!(await chrome.permissions.request(permission))) throw new Error("Without that permission nothing can be sent there.");
  await configure({ server });
  if (before && before !== server) await chrome.permissions.remove({ origins: [`${before}/*`] }).catch(() => undefined);
  return server.startsWith("https:") || isHere(server) ? "The server is set." : "The server is set. Its address is not https: what you record can be read on its way.";
}

async function enter() {
  await signIn(by("username").value, by("password").value);
  by("password").value = "";
  return "You are signed in.";
}

async function enterKey() {
  await useKey(by("key").value);
  by("key").value = "";
  return "The API key is kept.";
}

async function allow() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true }).catch(() => null);
  stream?.getTracks().forEach((track) => track.stop());
  return stream ? "The microphone may be used." : "The browser did not give the microphone away.";
}

async function picture() {
  await configure({ quality: by("quality").value, fps: Number(by("fps").value) });
  return "Kept; it counts from the next recording on.";
}

async function leave() {
  if (await signOut()) return "You are signed out. What waits to be sent is kept.";
  return "You are signed out here, but the server could not be told: the session there ends by itself, after days.";
}

/** Does it, and says how it went. */
async function done(work) {
  by("said").className = "";
  try {
    by("said").textContent = await work();
    changed();
  } catch (error) {
    by("said").className = "problem";
    by("said").textContent = error.message;
  }
  await show();
}

function onSubmit(id, work) {
  by(id).addEventListener("submit", (event) => {
    event.preventDefault();
    done(work);
  });
}

for (const [value, { label }] of Object.entries(QUALITIES)) by("quality").append(new Option(label, value));
for (const rate of RATES) by("fps").append(new Option(String(rate), String(rate)));
onSubmit("server-form", useServer);
onSubmit("person-form", enter);
onSubmit("key-form", enterKey);
by("picture-form").addEventListener("change", () => done(picture));
by("sign-out").addEventListener("click", () => done(leave));
by("allow").addEventListener("click", () => done(allow));
show();
