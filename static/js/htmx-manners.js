// Manners for htmx (UX section 9): the focus survives a swap, waiting shows after 400 ms, and a refused or lost request
// says so instead of doing nothing.
import { announce } from "./announce.js";
import { heardFromServer, signInAgain } from "./session.js";

const WAIT = 400;

const words = (status) => {
  if (status === 403) return "You do not have access to this";
  if (status === 409) return "Someone else changed this. Load the page again, then compare";
  if (status === 429) return "Wait a minute, then try again";
  return "That did not work. Try again";
};

export const startManners = (enhance) => {
  const timers = new WeakMap();
  let focused = null;
  const body = document.body;
  body.addEventListener("htmx:beforeRequest", (event) => {
    const { target } = event.detail;
    timers.set(target, window.setTimeout(() => target.classList.add("iom-wait--long"), WAIT));
  });
  body.addEventListener("htmx:afterRequest", (event) => {
    const { target } = event.detail;
    window.clearTimeout(timers.get(target));
    target.classList.remove("iom-wait--long");
  });
  body.addEventListener("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    focused = event.detail.target.contains(active) ? active.id : null;
    // A form with errors comes back as 422 and is shown, like any other page with errors.
    if (event.detail.xhr.status === 422) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  body.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.elt;
    enhance(target);
    const summary = target.querySelector(".govuk-error-summary");
    if (summary) {
      summary.setAttribute("tabindex", "-1");
      summary.focus();
    } else if (focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
    focused = null;
    const said = target.querySelector("[data-announce]") || (target.matches("[data-announce]") ? target : null);
    if (said) announce(said.dataset.announce);
  });
  body.addEventListener("htmx:afterOnLoad", heardFromServer);
  body.addEventListener("htmx:responseError", async (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr.status !== 401) {
      announce(words(xhr.status));
    } else if (await signInAgain()) {
      // Once more, with the new token and what stands in the form now.
      const { verb, path, elt, target } = requestConfig;
      window.htmx.ajax(verb, path, { source: elt, target });
    }
  });
  body.addEventListener("htmx:sendError", () => announce("No connection. Try again"));
};
