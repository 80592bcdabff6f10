// Which page an address is, and how one gets from one to the next: addresses can be linked, reloaded, gone back to.
import { failed, missing } from "./parts/notice.js";
import { mark } from "./parts/shell.js";
import { onSignedOut } from "./session.js";

let routes = [];
let main = null;
let leave = () => undefined;
let turn = 0;

/** Shows the page of this address in `element`, and every later one. */
export function start(element, table) {
  main = element;
  routes = table.map(([path, load]) => ({ pattern: patternOf(path), load }));
  document.addEventListener("click", followed);
  addEventListener("popstate", () => show(false));
  onSignedOut(() => {
    if (location.pathname !== "/sign-in") go(`/sign-in?next=${encodeURIComponent(here())}`, true);
  });
  show(false);
}

/** Goes to an address of ours. */
export function go(address, replace = false) {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  show(true);
}

/** Whether a path is that of a page. */
export const isPage = (path) => routes.some((route) => route.pattern.test(path));

/** Writes what is shown into the address, without going anywhere. */
export function remember(wanted) {
  const kept = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  history.replaceState(null, "", location.pathname + (kept.size ? `?${kept}` : ""));
}

/** The present path with its query. */
export const here = () => location.pathname + location.search;

/** Names the page, for the tab and for who cannot see it. */
export function title(text) {
  document.title = text ? `${text} · Tidemark` : "Tidemark";
}

function patternOf(path) {
  return new RegExp(`^${path.replace(/\/$/, "").replace(/:(\w+)/g, "(?<$1>[^/]+)")}/?$`);
}

async function show(moved) {
  const mine = ++turn;
  leave();
  leave = () => undefined;
  const path = location.pathname;
  const found = routes.find((route) => route.pattern.test(path));
  mark(path);
  main.replaceChildren();
  main.setAttribute("aria-busy", "true");
  try {
    if (!found) return missing(main, "There is no such page.");
    const page = await found.load();
    if (mine !== turn) return undefined;
    const left = page.show(main, found.pattern.exec(path).groups || {}, new URLSearchParams(location.search));
    leave = left || leave;
    if (moved) arrived();
  } catch (error) {
    failed(main, error, () => show(false));
  } finally {
    if (mine === turn) main.removeAttribute("aria-busy");
  }
  return undefined;
}

function arrived() {
  scrollTo(0, 0);
  if (!main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

function followed(event) {
  const link = event.target.closest("a[href]");
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
  if (link.hash && link.pathname === location.pathname) return;
  if (!isPage(link.pathname)) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
