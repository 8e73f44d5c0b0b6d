// Keys of the live meeting (UX section 5, point 6). On a form with data-live-keys:
//   Ctrl+Enter presses the button with data-key="next", Ctrl+Shift+Enter the one with data-key="save",
//   Escape closes the reveal (details) that holds the focus.
// Single keys work only where the form also has data-single-keys, which the page sets when the person has turned them on,
// and never while text is being typed (WCAG 2.1.4): J and K the next item and the one before, 1 to 6 the decision, R, A, G
// and B the rating, T a new action, N the note, and data-single-key="x" on any other control. Nothing uses Ctrl+Alt or Alt.
const TEXT = "input:not([type=radio]):not([type=checkbox]):not([type=button]):not([type=submit]), textarea, select, [contenteditable]";

const press = (form, key) => {
  // The last item has no next one: it is saved.
  const button = [key, "save"].map((each) => form.querySelector(`[data-key="${each}"]:not([disabled])`)).find(Boolean);
  if (!button) return false;
  form.requestSubmit(button);
  return true;
};

const COLOURS = { r: "RED", a: "AMBER", g: "GREEN", b: "BLUE" };

const chosen = (form, key) => {
  if (key === "j") return document.querySelector("[data-item-next]");
  if (key === "k") return document.querySelector("[data-item-before]");
  if (key === "t") return form.querySelector("[name=quick]");
  if (key === "n") return form.querySelector("[name=note]");
  if (/^[1-6]$/.test(key)) return form.querySelectorAll("input[type=radio][name=outcome]")[key - 1];
  if (key in COLOURS) return form.querySelector(`input[type=radio][name=colour][value=${COLOURS[key]}]`);
  return null;
};

const controlFor = (form, key) => {
  const own = [...document.querySelectorAll("[data-single-key]")].find(
    (each) => each.dataset.singleKey.toLowerCase() === key,
  );
  const control = own || chosen(form, key);
  if (!control || control.disabled) return null;
  // A rating that this decision does not ask for is not shown, and cannot be chosen.
  const reveal = control.closest("details:not([open])");
  if (reveal && control.matches(TEXT)) reveal.open = true;
  return control.matches("a") || control.parentElement.checkVisibility() ? control : null;
};

const single = (form, event) => {
  if (!("singleKeys" in form.dataset) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.(TEXT)) return;
  const control = controlFor(form, event.key.toLowerCase());
  if (!control) return;
  event.preventDefault();
  control.focus();
  if (!control.matches(TEXT)) control.click();
};

export const startKeys = () => {
  document.addEventListener("keydown", (event) => {
    const form = document.querySelector("form[data-live-keys]");
    if (!form || event.isComposing || document.querySelector(".iom-hidden-screen, dialog[open]")) return;
    if (event.key === "Enter" && event.ctrlKey && !event.altKey && !event.metaKey) {
      if (press(form, event.shiftKey ? "save" : "next")) event.preventDefault();
      return;
    }
    if (event.key === "Escape") {
      const reveal = event.target.closest?.("details[open]");
      if (reveal) {
        reveal.open = false;
        reveal.querySelector("summary")?.focus();
      }
      return;
    }
    single(form, event);
  });
};
