// Sign in again over the page (security.md S5): when the session is over, a dialog asks for password and code, and what
// was being sent is then sent, once. What was typed stays in the page; the server keeps it too (iom/held.py), for its own
// person alone. Whoever else signs in is led away from the page.
//
// The dialog shows the form of the sign-in page itself, and of each page that it leads to (the code), until the server
// says who is signed in. So everything that guards sign-in guards this one.
import { announce } from "./announce.js";

const STATE = "/session/";
const VISIBLE = "X-Recording-Visible";
const SIGN_IN = `/sign-in/?next=${STATE}`;
const IDLE = 30 * 60 * 1000;
const AGAIN = 5 * 60 * 1000;
const RECENT = 60 * 1000; // within so long of an answer of the server the session is taken to be good
const NO_ANSWER = 15 * 1000;
const JUST_NOW = 2 * 1000; // for the record of a meeting, which must not be swallowed by a line that is cut

const me = document.body.dataset.person;
let heard = Date.now();
let dialog = null;
let waiting = null;
let enhance = () => {};

export const heardFromServer = () => {
  heard = Date.now();
};

const state = async () => {
  const response = await fetch(STATE, { credentials: "same-origin", headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
};

// The forms of the page carry the token of the session that is over.
const renew = (token) => {
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
    if (!dialog?.contains(field)) field.value = token;
  }
  if (document.body.dataset.hxHeaders) document.body.dataset.hxHeaders = JSON.stringify({ "X-CSRFToken": token });
};

const leave = () => {
  window.dispatchEvent(new Event("iom:leaving"));
  location.replace("/");
};

// True when the page's own person is signed in; another person is led away.
const settled = ({ person, token }) => {
  if (person === null) return false;
  if (String(person) !== me) {
    leave();
    return false;
  }
  renew(token);
  heard = Date.now();
  return true;
};

// --- The dialog ---------------------------------------------------------------

const apart = (part) => {
  for (const each of part.querySelectorAll("[id]")) each.id = `again-${each.id}`;
  for (const name of ["for", "aria-describedby", "aria-controls", "aria-labelledby"]) {
    for (const each of part.querySelectorAll(`[${name}]`)) {
      const ids = each.getAttribute(name).split(/\s+/).filter(Boolean);
      each.setAttribute(name, ids.map((id) => `again-${id}`).join(" "));
    }
  }
  for (const link of part.querySelectorAll("a[href^='#']")) link.hash = `#again-${link.hash.slice(1)}`;
};

const show = (page, url) => {
  const main = page.querySelector("main");
  const form = [...(main?.querySelectorAll("form") || [])].find((each) => each.querySelector("input:not([type=hidden])"));
  const room = dialog.querySelector("[data-room]");
  const parts = [];
  const problems = main?.querySelector(".govuk-error-summary");
  if (problems) parts.push(problems);
  if (form) {
    form.setAttribute("action", new URL(form.getAttribute("action") || url, url).href);
    parts.push(form);
  } else {
    // No form: too many tries, say. Its words are what one needs, and the form that stands there stays.
    for (const words of main?.querySelectorAll("p") || []) parts.push(words);
    room.querySelector("[data-words]")?.remove();
  }
  const part = document.createElement("div");
  part.append(...parts.map((each) => document.importNode(each, true)));
  apart(part);
  if (form) {
    room.replaceChildren(part);
  } else {
    part.dataset.words = "";
    part.setAttribute("role", "alert");
    room.prepend(part);
  }
  enhance(part);
  const first = part.querySelector(".govuk-error-summary") || room.querySelector("input:not([type=hidden])");
  if (first?.matches(".govuk-error-summary")) first.tabIndex = -1;
  first?.focus();
};

// Follows sign-in from page to page; ends when the server says who is signed in.
const take = async (response) => {
  if ((response.headers.get("Content-Type") || "").includes("json")) {
    const told = await response.json();
    if (settled(told)) finish(true);
    return;
  }
  show(new DOMParser().parseFromString(await response.text(), "text/html"), response.url);
};

const failed = () => {
  const room = dialog?.querySelector("[data-room]");
  if (!room) return;
  room.querySelector("[data-words]")?.remove();
  const words = document.createElement("p");
  words.className = "govuk-error-message";
  words.dataset.words = "";
  words.setAttribute("role", "alert");
  words.textContent = "No connection. Try again";
  room.prepend(words);
};

const submitted = async (event) => {
  const form = event.target;
  event.preventDefault();
  event.stopPropagation();
  const body = new URLSearchParams(fieldsOf(form, event.submitter));
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    await take(await fetch(addressOf(form), { method: "POST", body, credentials: "same-origin" }));
  } catch {
    failed();
  } finally {
    for (const button of buttons) button.disabled = false;
  }
};

const build = () => {
  const made = document.createElement("dialog");
  made.className = "iom-again";
  made.setAttribute("aria-labelledby", "again-heading");
  made.innerHTML = `
    <h2 class="govuk-heading-m" id="again-heading">You have been signed out</h2>
    <p class="govuk-body">Sign in here to carry on. What you typed is still on this page.</p>
    <div data-room></div>
    <p class="govuk-body"><a class="govuk-link" href="/sign-in/">Leave this page</a></p>`;
  // Escape would show the page to whoever sits here. A browser lets nobody be kept by `cancel` alone.
  made.addEventListener("cancel", (event) => event.preventDefault());
  made.addEventListener("close", () => {
    if (dialog === made) made.showModal();
  });
  made.addEventListener("submit", submitted);
  return made;
};

let finish = () => {};

// Resolves to true when the page's own person is signed in again.
export const signInAgain = () => {
  if (waiting) return waiting;
  const before = document.activeElement;
  waiting = new Promise((resolve) => {
    finish = (good) => {
      const done = dialog;
      dialog = null;
      done?.close();
      done?.remove();
      waiting = null;
      // It has the focus already, as far as it knows, and takes no text in Chromium until it has it anew.
      before?.blur?.();
      before?.focus?.({ preventScroll: true });
      if (good) announce("Signed in again");
      resolve(good);
    };
  });
  dialog = build();
  document.body.append(dialog);
  dialog.showModal();
  fetch(SIGN_IN, { credentials: "same-origin" }).then(take).catch(failed);
  return waiting;
};

// --- Forms --------------------------------------------------------------------

const asking = new WeakSet();
const passed = new WeakSet();

const fieldsOf = (form, submitter) => {
  const data = new FormData(form);
  if (submitter?.name) data.append(submitter.name, submitter.value);
  return data;
};

const addressOf = (form, submitter) =>
  new URL(submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href);

const addField = (form, name, value) => {
  let field = form.querySelector(`input[name="${name}"]`);
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    form.append(field);
  }
  field.value = value;
};

// Asks the server whether the form would be taken. If the session is over it keeps the form's fields and says so.
const ask = async (form, submitter) => {
  const data = fieldsOf(form, submitter);
  for (const [name, value] of [...data.entries()]) if (value instanceof File) data.delete(name);
  const response = await fetch(addressOf(form, submitter), {
    method: "POST",
    body: new URLSearchParams(data),
    headers: { "X-Hold": "1" },
    credentials: "same-origin",
    redirect: "manual",
    signal: AbortSignal.timeout(NO_ANSWER),
  });
  if (response.status === 401) {
    const { held } = await response.json();
    if (!(await signInAgain())) return false;
    if (held) addField(form, "held_post", held);
  } else if (response.status === 403) {
    // An old token, after signing in again in another tab.
    const told = await state();
    if (told.person === null) return signInAgain();
    return settled(told);
  }
  return true;
};

const guard = (event) => {
  const form = event.target;
  if (!me || event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
  if (dialog?.contains(form) || addressOf(form, event.submitter).origin !== location.origin) return;
  const records = "recording" in form.dataset;
  if (passed.delete(form) || Date.now() - heard < (records ? JUST_NOW : RECENT)) return;
  event.preventDefault();
  if (asking.has(form)) return;
  asking.add(form);
  const { submitter } = event;
  ask(form, submitter)
    .catch(() => {
      if (records) form.dispatchEvent(new Event("iom:unreachable"));
      return !records;
    })
    .then((go) => {
      asking.delete(form);
      if (!go) return;
      passed.add(form);
      heard = Date.now();
      form.requestSubmit(submitter);
    });
};

// --- The clock of the page ----------------------------------------------------

const look = async () => {
  if (waiting || Date.now() - heard < IDLE) return;
  try {
    const told = await state();
    if (told.person === null) await signInAgain();
    else settled(told);
  } catch {
    // No connection: the next look will tell.
  }
};

// A recording page that can be seen keeps the session for up to four hours (security.md S2): listening is work too.
const recording = async () => {
  if (waiting || document.visibilityState !== "visible" || !document.querySelector("[data-recording]")) return;
  try {
    const told = await (await fetch(STATE, { credentials: "same-origin", headers: { [VISIBLE]: "1" } })).json();
    if (String(told.person) === me) heard = Date.now();
  } catch {
    // No connection: what is typed says so.
  }
};

// Signed in again in another tab: this one goes on.
const returned = async () => {
  if (document.visibilityState !== "visible") return;
  if (!waiting) {
    look();
    return;
  }
  try {
    if (settled(await state())) finish(true);
  } catch {
    // Still signed out, as far as one can tell.
  }
};

export const startSession = (enhanceWith) => {
  enhance = enhanceWith;
  document.querySelector("form[data-carry-on]")?.requestSubmit();
  if (!me) return;
  document.addEventListener("submit", guard);
  document.addEventListener("visibilitychange", returned);
  window.setTimeout(look, IDLE + 1000);
  window.setInterval(look, AGAIN);
  window.setInterval(recording, AGAIN);
};
