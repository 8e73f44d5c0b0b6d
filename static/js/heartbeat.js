// The open page of the recorder says that it is there, so that nobody takes over unasked, and hears who asks to
// (security.md C4). That the session lives on while the page can be seen is session.js's.
import { announce } from "./announce.js";

const EVERY = 20000;

const beat = async (region) => {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  const response = await fetch(region.dataset.heartbeat, {
    method: "POST",
    credentials: "same-origin",
    headers: { "X-CSRFToken": token || "", Accept: "application/json" },
  });
  if (!response.ok || !(response.headers.get("Content-Type") || "").includes("json")) return true;
  const told = await response.json();
  if (!told.recording) {
    const words = `${told.recorder || "Nobody"} is recording this meeting now. Copy what you typed, then load the page again.`;
    const said = document.createElement("p");
    said.className = "govuk-body";
    said.textContent = words;
    region.replaceChildren(said);
    region.hidden = false;
    announce(words);
    return false;
  }
  const asker = region.querySelector("[data-asker]");
  const news = told.asks && (region.hidden || asker.textContent !== told.asks);
  asker.textContent = told.asks;
  region.hidden = !told.asks;
  if (news) announce(`${told.asks} asks to take over the recording`);
  return true;
};

export const startHeartbeat = (every = EVERY) => {
  const region = document.querySelector("[data-heartbeat]");
  if (!region) return;
  const next = () =>
    window.setTimeout(async () => {
      if (await beat(region).catch(() => true)) next();
    }, every);
  next();
};
