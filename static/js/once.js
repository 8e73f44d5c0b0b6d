// A form does its work once (security.md C2). The server sees to it by the key that each form carries; here a second click
// is not even sent, a page that comes back with "back" gets new keys, and what scripts send carries a key too.
const FIELD = "form_key";
const LOST = 15000; // after so long an answer counts as lost, and the same form may be sent again under the same key

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(48))].map((byte) => LETTERS[byte % LETTERS.length]).join("");

const under = new WeakMap();

const submitting = (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (under.has(form)) {
    event.preventDefault();
    return;
  }
  under.set(
    form,
    window.setTimeout(() => under.delete(form), LOST),
  );
};

const back = (event) => {
  if (!event.persisted) return;
  for (const field of document.querySelectorAll(`input[name=${FIELD}]`)) {
    field.value = newKey();
    window.clearTimeout(under.get(field.form));
    under.delete(field.form);
  }
};

export const startOnce = () => {
  document.addEventListener("submit", submitting);
  window.addEventListener("pageshow", back);
  document.body.addEventListener("htmx:configRequest", (event) => {
    const { verb, parameters, headers } = event.detail;
    if (verb !== "get" && !parameters[FIELD]) headers["X-Form-Key"] = newKey();
  });
};
