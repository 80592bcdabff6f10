// What is recorded in the page: a screen, window or tab, its sound and a microphone, mixed into one stream.

const FORMATS = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm"];
const SOUNDS = ["audio/webm;codecs=opus", "audio/webm"];

/** Why a capture could not begin, said for people. */
export class NotAllowed extends Error {}

/** Asks for what is wanted. `stream` is to be recorded; `level()` from 0 to 1; `release` ends all of it. */
export async function capture({ screen, microphone }) {
  const taken = [];
  const release = () => taken.flatMap((stream) => stream.getTracks()).forEach((track) => track.stop());
  try {
    const shown = screen ? await ask(() => navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 }, audio: true }), "screen") : null;
    if (shown) taken.push(shown);
    const voice = microphone ? await ask(() => navigator.mediaDevices.getUserMedia({ audio: true }), "microphone") : null;
    if (voice) taken.push(voice);
    const sound = mixed(taken);
    const stream = new MediaStream([...(shown ? shown.getVideoTracks() : []), ...sound.tracks]);
    const end = () => {
      release();
      sound.close();
    };
    return { stream, level: sound.level, release: end, systemSound: Boolean(shown?.getAudioTracks().length), shown };
  } catch (error) {
    release();
    throw error;
  }
}

/** A recorder of the stream, that hands out what there is each second. */
export function recorder(stream, take) {
  const formats = stream.getVideoTracks().length ? FORMATS : SOUNDS;
  const mimeType = formats.find((format) => MediaRecorder.isTypeSupported(format));
  const made = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: 2_500_000, audioBitsPerSecond: 96_000 });
  made.addEventListener("dataavailable", (event) => take(event.data));
  return made;
}

/** Whether the browser can do it at all, here. */
export function possible() {
  return Boolean(window.MediaRecorder && navigator.mediaDevices);
}

async function ask(take, what) {
  try {
    return await take();
  } catch (error) {
    const told = {
      NotAllowedError: `The browser did not give the ${what} away. Allow it, and begin again.`,
      NotFoundError: `There is no ${what} that could be recorded.`,
    };
    throw new NotAllowed(told[error.name] || `The ${what} could not be recorded: ${error.message}`);
  }
}

function mixed(streams) {
  const sounding = streams.filter((stream) => stream.getAudioTracks().length);
  if (!sounding.length) return { tracks: [], level: () => 0, close: () => undefined };
  const context = new AudioContext();
  const [out, meter] = [context.createMediaStreamDestination(), context.createAnalyser()];
  for (const stream of sounding) {
    const source = context.createMediaStreamSource(stream);
    source.connect(out);
    source.connect(meter);
  }
  const heard = new Float32Array(meter.fftSize);
  const level = () => {
    meter.getFloatTimeDomainData(heard);
    return Math.min(1, 3 * Math.sqrt(heard.reduce((sum, value) => sum + value * value, 0) / heard.length));
  };
  return { tracks: out.stream.getAudioTracks(), level, close: () => context.close() };
}
