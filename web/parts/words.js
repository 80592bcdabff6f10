// How times, sizes and states are said.

const SIZES = ["bytes", "KB", "MB", "GB", "TB"];
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const AGES = [["minute", 60], ["hour", 3600], ["day", 86_400]];

/** 75 as "1:15", 3700 as "1:01:40". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

/** 75 as "1 minute 15 seconds", for who hears it. */
export function spoken(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const units = [[Math.floor(whole / 3600), "hour"], [Math.floor(whole / 60) % 60, "minute"], [whole % 60, "second"]];
  const said = units.filter(([count]) => count).map(([count, unit]) => `${count} ${unit}${count === 1 ? "" : "s"}`);
  return said.join(" ") || "0 seconds";
}

/** 4211734 as "4.2 MB". */
export function size(bytes) {
  let [value, unit] = [bytes || 0, 0];
  while (value >= 1000 && unit < SIZES.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${SIZES[unit]}`;
}

/** "3 hours ago"; after a week the day. */
export function ago(moment) {
  const seconds = (new Date(moment) - Date.now()) / 1000;
  if (-seconds > 7 * 86_400) return DAY.format(new Date(moment));
  if (-seconds < 60) return "just now";
  const [unit, length] = AGES.findLast(([, least]) => -seconds >= least);
  return AGO.format(Math.ceil(seconds / length), unit);
}

export const moment = (at) => MOMENT.format(new Date(at));

export const STATES = {
  awaiting_upload: "Waiting for its upload",
  live: "Being recorded",
  processing: "In progress",
  completed: "Ready",
  failed: "Failed",
  queued: "Waiting",
  running: "In progress",
  cancelled: "Cancelled",
};

export const STEPS = {
  live: "Live transcript",
  audio: "Sound",
  render: "Video and pictures",
  transcribe: "Transcript",
  analyse: "Summary and points",
  download: "Download",
  scenes: "Scenes",
  export: "Package",
  pages: "Pages",
};

export const JOBS = {
  ingest: "Taking in",
  lecture: "Lecture",
  document: "Document",
  render: "Video anew",
  scene_detection: "Scenes",
  transcription: "Transcript anew",
  analysis: "Summary anew",
  export: "Package",
};
