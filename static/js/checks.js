// An agency's return says how many people are still to be answered for while one answers: the server's count is that of
// the moment when the page was made.
import { announce } from "./announce.js";

const state = document.querySelector("[data-left]");
const rows = [...document.querySelectorAll(".iom-check")];

const count = () => {
  const left = rows.filter((row) => !row.querySelector("input[name$='-known']:checked")).length;
  state.textContent = left ? `${left} ${left === 1 ? "person" : "people"} still to answer` : "Everyone answered";
};

if (state) {
  document.addEventListener("change", (event) => {
    if (event.target.name?.endsWith("-known")) count();
  });
}

// "Mark the rest as not known" answers in the page: the return saves itself, and its page is not loaded anew for it.
const rest = document.querySelector("button[name=do][value=rest]");

rest?.addEventListener("click", (event) => {
  event.preventDefault();
  let marked = 0;
  for (const row of rows) {
    if (row.querySelector("input[name$='-known']:checked")) continue;
    const notKnown = row.querySelector("input[name$='-known'][value=not_known]");
    notKnown.checked = true;
    notKnown.dispatchEvent(new Event("change", { bubbles: true }));
    marked += 1;
  }
  announce(`${marked} ${marked === 1 ? "person" : "people"} marked as not known. Now send your return`);
});
