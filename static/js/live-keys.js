// Keys of the live meeting (UX section 5, point 6). On a form with data-live-keys:
//   Ctrl+Enter presses the button with data-key="next", Ctrl+Shift+Enter the one with data-key="save",
//   Escape closes the reveal (details) that holds the focus.
// Single keys (data-single-key="t" on a control) work only where the form also has data-single-keys, which the page sets
// when the person has turned them on, and never while text is being typed (WCAG 2.1.4). Nothing uses Ctrl+Alt or Alt.
const TEXT = "input:not([type=radio]):not([type=checkbox]):not([type=button]):not([type=submit]), textarea, select, [contenteditable]";

const press = (form, key) => {
  const button = form.querySelector(`[data-key="${key}"]:not([disabled])`);
  if (!button) return false;
  form.requestSubmit(button);
  return true;
};

const single = (form, event) => {
  if (!("singleKeys" in form.dataset) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.(TEXT)) return;
  const control = [...document.querySelectorAll("[data-single-key]")].find(
    (each) => each.dataset.singleKey.toLowerCase() === event.key.toLowerCase() && !each.disabled,
  );
  if (!control) return;
  event.preventDefault();
  control.focus();
  if (!control.matches(TEXT)) control.click();
};

export const startKeys = () => {
  document.addEventListener("keydown", (event) => {
    const form = document.querySelector("form[data-live-keys]");
    if (!form || event.isComposing || document.querySelector(".iom-hidden-screen")) return;
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
