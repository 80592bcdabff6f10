// Signing in, and making an account. Nothing of it stands in an address or in storage.
import { h } from "../parts/dom.js";
import { mark } from "../parts/icons.js";
import { go, isPage, title } from "../router.js";
import { register, signIn } from "../session.js";

export function show(main, _, asked) {
  const form = h("form", { class: "panel sign", novalidate: true });
  const draw = (fresh) => {
    title(fresh ? "Make an account" : "Sign in");
    form.replaceChildren(...fields(fresh, () => draw(!fresh)));
    form.elements.username.focus();
    form.onsubmit = (event) => {
      event.preventDefault();
      enter(form, fresh, next(asked.get("next")));
    };
  };
  main.append(h("div", { class: "door" }, h("div", { class: "greeting" }, mark(), h("p", { class: "name" }, "Tidemark"),
    h("p", {}, "What was said, kept and found again.")), form));
  draw(asked.has("new"));
}

function fields(fresh, other) {
  return [
    h("h1", {}, fresh ? "Make an account" : "Sign in"),
    field("username", "User name", { autocomplete: "username", autocapitalize: "none", spellcheck: "false" }),
    fresh ? field("email", "Email address", { type: "email", autocomplete: "email" }) : null,
    field("password", "Password", { type: "password", autocomplete: fresh ? "new-password" : "current-password" },
      fresh ? "At least 8 characters." : ""),
    h("p", { class: "wrong", role: "alert" }),
    h("button", { class: "button main wide", type: "submit" }, fresh ? "Make the account" : "Sign in"),
    h("p", { class: "other" }, fresh ? "You have one already? " : "New here? ",
      h("button", { class: "link", type: "button", on: { click: other } }, fresh ? "Sign in" : "Make an account")),
  ].filter(Boolean);
}

function field(name, label, attributes, hint = "") {
  const described = `${name}-said`;
  return h("div", { class: "field" }, h("label", { for: name }, label),
    h("input", { id: name, name, type: "text", required: true, "aria-describedby": described, ...attributes }),
    h("p", { id: described, class: "hint", "data-hint": hint }, hint));
}

async function enter(form, fresh, address) {
  const given = Object.fromEntries(new FormData(form));
  const button = form.querySelector("[type=submit]");
  clear(form);
  button.disabled = true;
  try {
    await (fresh ? register(given) : signIn(given.username, given.password));
    go(address, true);
  } catch (problem) {
    explain(form, problem);
  } finally {
    button.disabled = false;
  }
}

function clear(form) {
  form.querySelector(".wrong").textContent = "";
  for (const input of form.querySelectorAll("input")) {
    input.removeAttribute("aria-invalid");
    const hint = document.getElementById(`${input.name}-said`);
    hint.textContent = hint.dataset.hint;
  }
}

function explain(form, problem) {
  const named = Object.entries(problem.fields || {}).filter(([name]) => form.elements[name]);
  for (const [name, message] of named) {
    form.elements[name].setAttribute("aria-invalid", "true");
    document.getElementById(`${name}-said`).textContent = message.replace(/^./, (first) => first.toUpperCase());
  }
  if (named.length) form.elements[named[0][0]].focus();
  else form.querySelector(".wrong").textContent = problem.message;
}

/** Where to go on: a page of ours with something to show; the library unless one is asked for. */
function next(asked) {
  const address = asked?.startsWith("/") ? URL.parse?.(asked, location.origin) : null;
  const { origin, pathname, search } = address || {};
  const ours = origin === location.origin && isPage(pathname) && !pathname.startsWith("/sign-in");
  return ours ? pathname + search : "/";
}
