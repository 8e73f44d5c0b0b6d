// Runs before anything is drawn, so that the page does not jump when scripts take over. GOV.UK Frontend expects
// this as an inline script, which our content security policy forbids.
document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) {
  document.body.classList.add("govuk-frontend-supported");
}
