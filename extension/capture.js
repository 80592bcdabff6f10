// What is recorded: a tab, window or screen, its sound and a microphone, mixed into one stream.
import { QUALITIES } from "./account.js";

const FORMATS = ["video/webm;codecs=vp8,opus", "video/webm"];
const CHUNK_MS = 1000;
const SURFACES = { tab: "browser", window: "window", screen: "monitor" };
const SOUND_BITS = 96_000;

const REFUSED = {
  screen: {
    NotAllowedError: "Nothing was chosen, or the system does not let the browser record. Begin again and choose a tab, window or screen; if none can be chosen, allow the browser to record the screen in the system's settings.",
    NotFoundError: "There is nothing that could be recorded: open a tab or window, and begin again.",
  },
  microphone: {
    NotAllowedError: "The microphone is not allowed: allow it in the options, or record without it.",
    NotFoundError: "There is no microphone: connect one, or record without it.",
  },
};

/** Asks for what is wanted: {surface, sound, microphone, quality, fps}. Throws Error with a sentence for people. */
export async function capture(wanted) {
  const taken = [];
  try {
    taken.push(await asked("screen", () => navigator.mediaDevices.getDisplayMedia(shownBy(wanted))));
    if (wanted.microphone) taken.push(await asked("microphone", () => navigator.mediaDevices.getUserMedia({ audio: true })));
    return await captured(taken, wanted);
  } catch (error) {
    stop(taken);
    throw error;
  }
}

async function captured(taken, { quality, microphone }) {
  const [shown] = taken;
  const sound = await mixed(taken);
  const stream = new MediaStream([...shown.getVideoTracks(), ...sound.tracks]);
  return {
    stream,
    ended: shown.getVideoTracks()[0],
    bits: QUALITIES[quality].bits,
    systemSound: shown.getAudioTracks().length > 0,
    microphone,
    release: () => {
      stop(taken);
      sound.close();
    },
  };
}

/** Records it: `take` gets each second's bytes in order, and null at the end. */
export function record({ stream, bits }, take) {
  const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: bits, audioBitsPerSecond: SOUND_BITS });
  recorder.addEventListener("dataavailable", ({ data }) => data.size && take(data));
  recorder.addEventListener("stop", () => take(null));
  recorder.start(CHUNK_MS);
  return recorder;
}

function shownBy({ surface, sound, quality, fps }) {
  const { width, height } = QUALITIES[quality];
  return {
    video: { displaySurface: SURFACES[surface], frameRate: { max: fps }, width: { max: width }, height: { max: height } },
    audio: sound,
    systemAudio: sound ? "include" : "exclude",
    surfaceSwitching: "include",
  };
}

async function asked(what, take) {
  try {
    return await take();
  } catch (error) {
    throw new Error(REFUSED[what][error.name] ?? `The ${what} could not be recorded: ${error.message}.`, { cause: error });
  }
}

async function mixed(streams) {
  const sounding = streams.filter((stream) => stream.getAudioTracks().length);
  if (!sounding.length) return { tracks: [], close: () => undefined };
  const context = new AudioContext();
  await context.resume();
  const out = context.createMediaStreamDestination();
  for (const stream of sounding) context.createMediaStreamSource(stream).connect(out);
  return { tracks: out.stream.getAudioTracks(), close: () => context.close() };
}

const stop = (streams) => streams.flatMap((stream) => stream.getTracks()).forEach((track) => track.stop());
