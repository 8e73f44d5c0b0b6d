// Covers the page for someone who walks in (UX principle 11). Enter brings it back; nothing is lost or left.
const hide = () => {
  if (document.querySelector(".iom-hidden-screen")) return;
  const before = document.activeElement;
  const title = document.title;
  const rest = [...document.body.children].filter((element) => !element.inert);
  const cover = document.createElement("div");
  cover.className = "iom-hidden-screen";
  cover.setAttribute("role", "dialog");
  cover.setAttribute("aria-modal", "true");
  cover.setAttribute("aria-label", "Screen hidden");
  const words = document.createElement("p");
  words.textContent = "Screen hidden";
  const show = document.createElement("button");
  show.type = "button";
  show.textContent = "Press Enter to return";
  cover.append(words, show);
  // One thing to do here, so Tab goes nowhere; Enter works even if a click beside the button took the focus away.
  const keys = (event) => {
    if (event.key === "Tab") {
      event.preventDefault();
      show.focus();
    } else if (event.key === "Enter" && event.target !== show) {
      event.preventDefault();
      show.click();
    }
  };
  document.addEventListener("keydown", keys);
  show.addEventListener("click", () => {
    document.removeEventListener("keydown", keys);
    cover.remove();
    for (const element of rest) element.inert = false;
    document.title = title;
    before?.focus?.();
  });
  for (const element of rest) element.inert = true;
  document.title = "Screen hidden";
  document.body.append(cover);
  show.focus();
};

export const startHideScreen = () => {
  for (const button of document.querySelectorAll("[data-hide-screen]")) {
    button.hidden = false;
    button.addEventListener("click", hide);
  }
};
