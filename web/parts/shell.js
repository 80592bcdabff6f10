// The frame around every page: where one is, where one can go, who is signed in.
import { get } from "../api.js";
import { signOut } from "../session.js";
import { h, hidden } from "./dom.js";
import { icon, mark as logo } from "./icons.js";
import { noticePlace, tell } from "./notice.js";

const PLACES = [["/", "library", "Library"], ["/record", "record", "Record"], ["/upload", "upload", "Upload"],
  ["/activity", "activity", "Activity"]];
let links = [];
let account = null;
let asked = false;

/** Builds the frame; the element that pages are shown in. */
export function frame(body) {
  links = PLACES.map(([href, name, text]) => h("a", { href }, icon(name), h("span", {}, text)));
  account = h("div", { class: "account" });
  const main = h("main", { id: "main", tabindex: "-1" });
  const home = h("a", { class: "home", href: "/" }, logo(), h("span", {}, "Tidemark"));
  const skip = h("a", { class: "skip", href: "#main" }, "Skip to the content");
  body.prepend(skip, h("header", { class: "bar" }, home, h("nav", { "aria-label": "Pages" }, links), account), main,
    noticePlace());
  return main;
}

/** Marks the page that is shown. */
export function mark(path) {
  const inside = path !== "/sign-in";
  document.body.classList.toggle("outside", !inside);
  for (const link of links) {
    if (link.pathname === path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!inside) forget();
  else if (!asked) greet();
}

function forget() {
  asked = false;
  account.replaceChildren();
}

async function greet() {
  asked = true;
  try {
    const user = await get("/api/v1/account");
    const out = h("button", { class: "quiet", type: "button", title: "Sign out", on: { click: leave } }, icon("out"),
      hidden("Sign out"));
    account.replaceChildren(h("span", { class: "who" }, user.username || user.email || "Signed in"), out);
  } catch {
    asked = false; // the page itself says what is wrong
  }
}

async function leave() {
  try {
    await signOut();
  } catch (problem) {
    const why = problem.status ? problem.message : "The service cannot be reached.";
    tell(`You are still signed in. ${why} Press «Sign out» again.`, "bad");
  }
}
