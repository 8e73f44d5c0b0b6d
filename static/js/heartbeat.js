// The open page of the recorder says that it is there, so that nobody takes over unasked, and hears who asks to
// (security.md C4). The page of whoever asked hears when it is theirs. That the session lives on while the page can be seen
// is session.js's.
import { announce } from "./announce.js";
import { heardFromServer } from "./session.js";

const EVERY = 20000;

const tell = (region, words, link) => {
  const said = document.createElement("p");
  said.className = "govuk-body govuk-!-margin-bottom-0";
  said.textContent = words;
  if (link) {
    const way = document.createElement("a");
    way.className = "govuk-link";
    way.href = location.href;
    way.textContent = link;
    said.append(" ", way);
  }
  region.replaceChildren(said);
  region.hidden = false;
  announce(words);
};

const beat = async (region) => {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  const response = await fetch(region.dataset.heartbeat, {
    method: "POST",
    credentials: "same-origin",
    headers: { "X-CSRFToken": token || "", Accept: "application/json" },
  });
  if (!response.ok || !(response.headers.get("Content-Type") || "").includes("json")) return true;
  heardFromServer();
  const told = await response.json();
  if ("waits" in region.dataset) {
    if (told.recording) tell(region, "You are recording now.", "Go on with the record");
    return !told.recording;
  }
  if (!told.recording) {
    tell(
      region,
      `${told.recorder || "Nobody"} is recording this meeting now. What you type here is kept for you and is not in the record.`,
      "Load this page again",
    );
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
