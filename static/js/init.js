// Starts every enhancement. Each finds its own elements; a page without them pays nothing. All pages work without.
import { initAll } from "../vendor/govuk-frontend.min.js";
import { Alert } from "../vendor/moj/components/alert/alert.mjs";
import { ButtonMenu } from "../vendor/moj/components/button-menu/button-menu.mjs";
import { MultiSelect } from "../vendor/moj/components/multi-select/multi-select.mjs";
import { startAutosave } from "./autosave.js";
import { startBallot } from "./ballot.js";
import { startHeartbeat } from "./heartbeat.js";
import { startHideScreen } from "./hide-screen.js";
import { startKeys } from "./live-keys.js";
import { startManners } from "./htmx-manners.js";
import { startOnce } from "./once.js";
import { startReorder } from "./reorder.js";
import { startScreen } from "./screen.js";
import { startReveal } from "./reveal.js";
import { startSession } from "./session.js";
import { startTimer } from "./timer.js";

const start = (Component, name, root = document) => {
  for (const element of root.querySelectorAll(`[data-module="${name}"]`)) {
    try {
      new Component(element);
    } catch (problem) {
      console.warn(name, problem);
    }
  }
};

const startMoj = (root) => {
  start(Alert, "moj-alert", root);
  start(ButtonMenu, "moj-button-menu", root);
  start(MultiSelect, "moj-multi-select", root);
};

initAll();
startMoj(document);
startAutosave();
startBallot();
startReorder();
startReveal();
startHideScreen();
startHeartbeat();
startKeys();
startTimer();
startScreen();
const enhance = (root) => {
  initAll({ scope: root });
  startMoj(root);
  startAutosave(root);
  startBallot(root);
  startReorder(root);
  startReveal(root);
};
startManners(enhance);
// Before startOnce: a form that is held back until somebody has signed in again was not sent yet.
startSession(enhance);
startOnce();

// Filters stand open where there is room for them (UX 3.1).
if (window.matchMedia("(min-width: 1024px)").matches) {
  for (const panel of document.querySelectorAll("details[data-open-wide]")) panel.open = true;
}

// After "Apply filters" the count of results is what one wants to hear.
if (location.hash === "#results") document.getElementById("results")?.focus();

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Paper has no "show more".
let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("main details:not([open])")];
  for (const details of closed) details.open = true;
});
window.addEventListener("afterprint", () => {
  for (const details of closed) details.open = false;
});

// The account menu closes like a menu.
for (const menu of document.querySelectorAll(".iom-account")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
