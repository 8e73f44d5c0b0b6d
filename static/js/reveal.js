// What a radio or checkbox reveals when it is chosen. GOV.UK Frontend does this too, but by putting aria-expanded on the
// radio, which ARIA does not allow there; the revealed question follows directly, and that is what people hear.
const show = (control) => {
  const part = document.getElementById(control.dataset.reveals);
  const kind = control.type === "radio" ? "radios" : "checkboxes";
  part?.classList.toggle(`govuk-${kind}__conditional--hidden`, !control.checked);
};

const showAll = (root) => {
  for (const control of root.querySelectorAll("[data-reveals]")) show(control);
};

let started = false;

export const startReveal = (root = document) => {
  showAll(root);
  if (started) return;
  started = true;
  document.addEventListener("change", (event) => {
    const { form, type } = event.target;
    if (type === "radio" || type === "checkbox") showAll(form || document);
  });
  // Browsers fill forms in again after "back", without a change event.
  window.addEventListener("pageshow", () => showAll(document));
};
