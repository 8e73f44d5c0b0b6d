// The room screen asks every 3 seconds whether something changed, and replaces only the parts that did. The recorder's page
// tells the screen which item it is on. Both work without: by loading the page again, and by a button.
const EVERY = 3000;

const refresh = async (screen) => {
  const response = await fetch(location.href, {
    credentials: "same-origin",
    cache: "no-store",
    headers: { "If-None-Match": screen.dataset.tag },
  });
  if (response.status === 304) return;
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const now = page.querySelector("[data-screen]");
  if (!now) return;
  for (const part of screen.querySelectorAll("[data-part]")) {
    const changed = now.querySelector(`[data-part="${part.dataset.part}"]`);
    if (changed && changed.innerHTML !== part.innerHTML) part.innerHTML = changed.innerHTML;
  }
  screen.dataset.tag = now.dataset.tag;
};

export const startScreen = (every = EVERY) => {
  const screen = document.querySelector("[data-screen]");
  if (screen) {
    const next = () =>
      window.setTimeout(async () => {
        if (document.visibilityState === "visible") await refresh(screen).catch(() => {});
        next();
      }, every);
    next();
  }
  const form = document.querySelector("form[data-on-screen]");
  if (!form) return;
  fetch(form.action, {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "application/json" },
    body: new FormData(form),
  })
    .then((response) => {
      if (response.ok) form.hidden = true;
    })
    .catch(() => {});
};
