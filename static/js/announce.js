// One polite live region for the whole page: short words, the same words twice are still heard twice.
export const announce = (words) => {
  const region = document.getElementById("announcer");
  if (!region) return;
  region.textContent = "";
  window.setTimeout(() => {
    region.textContent = words;
  }, 50);
};
