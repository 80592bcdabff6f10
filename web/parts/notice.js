// What is said to a person: short notices, and what stands where a page has nothing to show.
import { h } from "./dom.js";
import { icon } from "./icons.js";

const SECONDS = 6;
let place = null;

/** Where notices appear; read aloud when they do. */
export function noticePlace() {
  place = h("div", { class: "notices", role: "status", "aria-live": "polite" });
  return place;
}

/** Says something for some seconds. */
export function tell(text, kind = "good") {
  const notice = h("p", { class: `notice ${kind}` }, icon(kind === "good" ? "check" : "warning"), text);
  place.append(notice);
  setTimeout(() => notice.remove(), SECONDS * 1000);
}

/** Says what went wrong; not that nobody is signed in, since then the page to sign in comes. */
export const tellProblem = (problem) => problem.status === 401 || tell(problem.message, "bad");

/** A place with nothing in it, and what can be done about that. */
export function empty(name, heading, text, ...actions) {
  return h("div", { class: "empty" }, icon(name), h("h2", {}, heading), h("p", {}, text), h("div", { class: "row" }, actions));
}

/** Instead of a page that could not be shown. */
export function failed(element, problem, again) {
  if (problem.status === 404) return missing(element, problem.message);
  if (problem.status === 401) return undefined; // the page to sign in comes
  const button = h("button", { class: "button", type: "button", on: { click: again } }, icon("again"), "Try again");
  const known = problem.code !== undefined;
  const text = known ? problem.message : "The page met something that it does not understand.";
  if (!known) console.error(problem);
  element.replaceChildren(h("div", { role: "alert" }, empty("warning", "That did not work", text, button)));
  return undefined;
}

/** Instead of what is not there. */
export function missing(element, text) {
  const back = h("a", { class: "button", href: "/" }, "To the library");
  element.replaceChildren(empty("search", "Nothing here", `${text} It may have been deleted, or be somebody else's.`, back));
}
