// An agency's return says how many people are still to be answered for while one answers: the server's count is that of
// the moment when the page was made.
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
