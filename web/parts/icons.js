// Small drawings, in the colour of the text around them. They say nothing that words beside them do not.
import { svg } from "./dom.js";

const PATHS = {
  library: "M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z",
  upload: "M12 16V5M7.500 9.500 12 5l4.500 4.500M5 19h14",
  record: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z",
  activity: "M4 12h4l2.500-6 4 12 2.500-6h3",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15.500 15.500 20 20",
  play: "M8 5.500v13l11-6.500z",
  pause: "M8 5v14M16 5v14",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.500 10 17.500 19 7.500",
  edit: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  download: "M12 5v10M7.500 11 12 15.500 16.500 11M5 19h14",
  trash: "M5 7h14M10 7V5h4v2M7 7l1 12h8l1-12",
  sound: "M5 10v4h3l4 3.500v-11L8 10zM15.500 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11",
  again: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
  warning: "M12 4 3 19h18zM12 10v4M12 16.500v.500",
  out: "M14 5H6v14h8M10 12h10M17 9l3 3-3 3",
  mic: "M12 4a2.500 2.500 0 0 0-2.500 2.500v5a2.500 2.500 0 0 0 5 0v-5A2.500 2.500 0 0 0 12 4zM6.500 11.500a5.500 5.500 0 0 0 11 0M12 17v3",
  screen: "M4 5h16v11H4zM9 20h6M12 16v4",
  follow: "M12 4v16M7 15l5 5 5-5",
};

/** A drawing by its name. */
export function icon(name) {
  const line = svg("path", { d: PATHS[name], fill: "none", stroke: "currentColor" });
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, line);
}

/** The mark of the house. */
export function mark() {
  const wave = (y) => `M3 ${y}c3 0 3-2.500 6-2.500s3 2.500 6 2.500 3-2.500 6-2.500`;
  return svg(
    "svg",
    { class: "logo", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: wave(9), fill: "none", stroke: "currentColor" }),
    svg("path", { d: wave(14.5), fill: "none", stroke: "currentColor" }),
    svg("path", { d: "M3 19.500h18", fill: "none", class: "tide" }),
  );
}
