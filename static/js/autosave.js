// Nothing typed is ever lost (UX principle 8): a form with data-autosave saves itself one second after typing stops and
// when a field is left. Failure keeps the text, says so, and tries again. Nothing is kept in the browser's storage.
//
// The server's side (docs/components.md): a POST of the whole form with the header "X-Autosave: 1".
//   200 JSON {at?: "10:42", fields?: {name: value}, errors?: {name: words}}   saved; `fields` updates hidden fields (version);
//       with `errors`, of a form of many rows, those that were right are saved and the words say what the others lack;
//       with `aside: words`, it is kept for its own person, and not where others read it
//   204                                                                       saved
//   401 signed out   403 token or right   409 someone was faster   anything else: again
//   422 JSON {errors: {name: words}}   not valid: not saved
//
// The record of a live meeting (data-recording) asks for more (UX section 5, point 8). Each field saves itself: the form
// says in `typed_into` which ones changed. All that was typed is sent before a button does anything and when the page
// is left; while the server cannot be reached no button leads away. Only then does leaving the page ask.
import { announce } from "./announce.js";
import { newKey } from "./once.js";
import { heardFromServer, signInAgain } from "./session.js";

const PAUSE = 1000;
const LONGEST_WAIT = 30000;
const POLITE = 30000;
const NO_ANSWER = 15000; // a line that is cut says nothing
const SLOW = 3000;
const KEEPALIVE_MOST = 60000; // bytes: more than 64 KB are not sent from a page that is left

const clock = () =>
  new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/London" }).format(new Date());

const changes = (count) => (count === 1 ? "Your last change is" : `Your last ${count} changes are`);

class Autosave {
  constructor(form) {
    this.form = form;
    this.status = form.querySelector("[data-autosave-status]");
    this.records = "recording" in form.dataset;
    this.url = form.dataset.autosave || form.getAttribute("action") || location.href;
    this.edits = 0; // how many edits there have been
    this.saved = 0; // how many of them the server has
    this.unsavedFields = new Set();
    this.typedSince = new Set(); // of these, those since the save that is under way began
    this.tries = 0;
    this.key = null; // of what is being saved: the same again until the server has it or something else is typed
    this.flight = null;
    this.paused = false; // after 409 only the person can say how to go on
    this.refused = false; // after 422 trying again is no use until something is typed
    this.leaving = false;
    this.lastSpoken = 0;

    form.addEventListener("input", (event) => this.edited(event.target));
    form.addEventListener("change", (event) => this.edited(event.target));
    form.addEventListener("focusout", () => {
      if (this.dirty && !this.flight) this.save();
    });
    form.addEventListener("submit", (event) => this.submitting(event));
    window.addEventListener("beforeunload", (event) => {
      if (this.dirty && !this.leaving && (!this.records || this.cutOff)) event.preventDefault();
    });
    window.addEventListener("pagehide", () => this.lastChance());
    form.addEventListener("iom:unreachable", () => {
      this.leaving = false;
      this.failed();
    });
    window.addEventListener("iom:leaving", () => {
      this.leaving = true;
    });
    // A closed lid or a switched tab is the last moment at which a browser surely lets us send.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.lastChance();
    });
    window.addEventListener("online", () => {
      if (this.dirty && !this.flight) this.save();
      else if (this.records && this.lastGood === false) this.say("The connection is back");
    });
  }

  get dirty() {
    return this.edits > this.saved;
  }

  // Whether what was typed may not reach the server. A browser that says it is offline still reaches its own machine.
  get cutOff() {
    return this.tries > 0 || this.paused || !navigator.onLine || (this.flight && Date.now() - this.began > SLOW);
  }

  // A page that goes away sends what it has, also while an older save is under way.
  lastChance() {
    if (!this.dirty || this.paused || this.leaving) return;
    if (!this.flight) {
      this.save({ keepalive: true });
    } else if (this.records) {
      this.post(newKey(), true).catch(() => {});
    }
  }

  edited(field) {
    if (!field.name || field.type === "file" || field.closest("[data-autosave-not]")) return;
    this.edits += 1;
    this.key = null;
    this.unsavedFields.add(field.name);
    this.typedSince.add(field.name);
    this.refused = false;
    if (this.paused) return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.save(), PAUSE);
  }

  body() {
    const data = new FormData(this.form);
    for (const [name, value] of [...data.entries()]) {
      if (value instanceof File || name === "form_key") data.delete(name);
    }
    if (this.records) data.set("typed_into", [...this.unsavedFields].join(" "));
    return new URLSearchParams(data);
  }

  post(key, keepalive) {
    const body = this.body();
    return fetch(this.url, {
      method: "POST",
      body,
      headers: { "X-Autosave": "1", "X-Form-Key": key, Accept: "application/json" },
      credentials: "same-origin",
      redirect: "manual",
      // The record of a meeting goes on being sent when the page is left half-way.
      keepalive: (keepalive || this.records) && body.toString().length < KEEPALIVE_MOST,
      signal: keepalive ? undefined : AbortSignal.timeout(NO_ANSWER),
    });
  }

  save({ keepalive = false } = {}) {
    window.clearTimeout(this.timer);
    if (this.flight || this.paused || this.refused || !this.dirty) return this.flight || Promise.resolve();
    const upTo = this.edits;
    this.began = Date.now();
    this.typedSince = new Set();
    this.key ??= newKey();
    this.flight = this.post(this.key, keepalive)
      .then(async (response) => this.answered(response, upTo))
      .catch(() => this.failed())
      .finally(() => {
        this.flight = null;
        if (this.dirty && !this.paused && !this.refused && this.tries === 0) {
          window.clearTimeout(this.timer);
          this.timer = window.setTimeout(() => this.save(), PAUSE);
        }
      });
    return this.flight;
  }

  async answered(response, upTo) {
    if (response.ok) {
      heardFromServer();
      const told = (response.headers.get("Content-Type") || "").includes("json") ? await response.json() : {};
      this.fill(told.fields);
      this.key = null;
      if (told.errors) {
        this.lacks(told.errors, upTo);
        return;
      }
      this.saved = upTo;
      this.tries = 0;
      this.unsavedFields = this.typedSince;
      this.typedSince = new Set();
      if (told.aside) this.say(`${told.aside} Kept ${told.at || clock()}`);
      else this.say(`Saved ${told.at || clock()}`, { good: true });
      return;
    }
    if (response.status === 401 || response.type === "opaqueredirect") {
      this.signingIn = this.signedOut();
    } else if (response.status === 403) {
      // After signing in again in another tab the old token is spent: fetch a new one, for the same person only.
      if (!(await this.renewToken())) this.failed();
      else this.again(PAUSE);
    } else if (response.status === 409) {
      const told = await response.json().catch(() => ({}));
      this.paused = true;
      this.say(told.message || "Someone else changed this. Copy what you typed, load the page again, then compare.");
    } else if (response.status === 422 || response.status === 400) {
      const told = await response.json().catch(() => ({}));
      this.lacks(told.errors, upTo);
    } else {
      this.failed();
    }
  }

  // Trying again is no use until something is typed.
  lacks(errors, upTo) {
    const words = Object.values(errors || {}).flat();
    this.tries = 0;
    this.refused = upTo === this.edits;
    this.say(`Not saved yet. ${words.length ? words.join(". ") : "Check what you typed"}`);
  }

  fill(fields) {
    for (const [name, value] of Object.entries(fields || {})) {
      const field = this.form.elements.namedItem(name);
      if (field) field.value = value;
    }
  }

  failed() {
    const count = this.unsavedFields.size;
    const waits = count === 0 ? "" : count === 1 ? ". 1 change is not saved" : `. ${count} changes are not saved`;
    if (this.records) this.say(`Not saved. Keep this page open, we are retrying${waits}`);
    else this.say("Not saved. Keep this page open. We are trying again");
    if (this.dirty) this.again();
  }

  // What is typed stays here; after signing in over the page it is saved at once.
  async signedOut() {
    this.say(`You have been signed out. ${changes(this.unsavedFields.size)} still on this page.`);
    if (await signInAgain()) await this.save();
    this.signingIn = null;
  }

  async renewToken() {
    const page = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!page || !page.ok) return false;
    const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
    if (fresh.body.dataset.person !== document.body.dataset.person) return false;
    const token = fresh.querySelector("input[name=csrfmiddlewaretoken]")?.value;
    if (!token) return false;
    for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
    return true;
  }

  again(wait) {
    this.tries += 1;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.save(), wait ?? Math.min(PAUSE * 2 ** this.tries, LONGEST_WAIT));
  }

  say(words, { good = false } = {}) {
    if (this.status) {
      this.status.textContent = words;
      this.status.classList.toggle("iom-saved--failed", !good);
    }
    const now = Date.now();
    const news = this.lastGood !== good || (!good && this.lastWords !== words);
    this.lastGood = good;
    this.lastWords = words;
    if (!news && (!good || now - this.lastSpoken < POLITE)) return;
    this.lastSpoken = now;
    announce(words);
  }

  // A save that is under way holds the version that the button is about to post: let it land first.
  submitting(event) {
    window.clearTimeout(this.timer);
    if (this.flight && !this.waited) {
      const { submitter } = event;
      event.preventDefault();
      this.waited = true;
      this.flight.finally(() => {
        window.clearTimeout(this.timer);
        this.form.requestSubmit(submitter);
        this.waited = false;
      });
      return;
    }
    if (this.records) this.sendFirst(event);
    else if (!event.defaultPrevented) this.leaving = true;
  }

  // The record of a meeting: what was typed in the last second is with the server before a button leads on.
  async sendFirst(event) {
    if (event.defaultPrevented) return;
    if (!this.dirty || this.paused) {
      this.leaving = true;
      return;
    }
    const { submitter } = event;
    event.preventDefault();
    await this.save();
    if (this.signingIn) await this.signingIn;
    // It could not be sent, and the page says so: whoever pressed the button is still on it.
    if (this.dirty && !this.refused) return;
    this.form.requestSubmit(submitter);
  }
}

const known = new WeakSet();

export const startAutosave = (root = document) => {
  for (const form of root.querySelectorAll("form[data-autosave]")) {
    if (known.has(form)) continue;
    known.add(form);
    new Autosave(form);
  }
};
