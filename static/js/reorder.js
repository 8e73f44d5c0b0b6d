// Moving an item keeps the focus on it and says where it went (UX 4.7). The server does not know about this script: the
// same form is posted, the same page comes back, and the list in it takes the place of ours.
import { announce } from "./announce.js";
import { newKey } from "./once.js";
import { heardFromServer, signInAgain } from "./session.js";

const post = async (list, form, button) => {
  const item = form.closest("[data-reorder-item]");
  const data = new URLSearchParams(new FormData(form));
  data.set("move", button);
  data.set("form_key", newKey());
  let page;
  try {
    const response = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin" });
    if (response.status === 401 && (await signInAgain())) {
      await post(list, form, button);
      return;
    }
    heardFromServer();
    if (!response.ok) throw new Error(String(response.status));
    page = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    announce("Not moved. Check your connection and try again");
    return;
  }
  const fresh = page.getElementById(list.id);
  if (!fresh) {
    location.reload();
    return;
  }
  list.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  arm(list);
  // Running totals and numbers outside the list follow, as long as they do not hold the focus.
  for (const region of document.querySelectorAll("[data-reorder-follows]")) {
    const now = page.getElementById(region.id);
    if (now && !region.contains(document.activeElement)) region.replaceChildren(...now.childNodes);
  }
  const moved = document.getElementById(item.id);
  if (!moved) return;
  const items = [...list.querySelectorAll("[data-reorder-item]")];
  const target =
    moved.querySelector(`button[name="move"][value="${button}"]:not([disabled])`) ||
    moved.querySelector('button[name="move"]:not([disabled])');
  target?.focus();
  // A list may be one part of a longer whole: then the page says the place in the whole.
  announce(`Moved to ${moved.dataset.place || `${items.indexOf(moved) + 1} of ${items.length}`}`);
};

const arm = (list) => {
  for (const handle of list.querySelectorAll("[data-reorder-handle]")) handle.hidden = false;
};

const clearMarks = (list) => {
  for (const item of list.querySelectorAll(".iom-drop-before, .iom-drop-after, .iom-dragged")) {
    item.classList.remove("iom-drop-before", "iom-drop-after", "iom-dragged");
  }
};

const watch = (list) => {
  let dragged = null;
  arm(list);
  list.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.classList.contains("iom-move") || event.submitter?.name !== "move") return;
    event.preventDefault();
    post(list, form, event.submitter.value);
  });
  list.addEventListener("dragstart", (event) => {
    if (!event.target.closest?.("[data-reorder-handle]")) return;
    dragged = event.target.closest("[data-reorder-item]");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setDragImage(dragged, 0, 0);
    dragged.classList.add("iom-dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("[data-reorder-item]");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    const after = event.clientY > box.top + box.height / 2;
    for (const item of list.querySelectorAll("[data-reorder-item]")) {
      item.classList.toggle("iom-drop-before", item === over && !after);
      item.classList.toggle("iom-drop-after", item === over && after);
    }
  });
  list.addEventListener("drop", (event) => {
    const over = event.target.closest("[data-reorder-item]");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const items = [...list.querySelectorAll("[data-reorder-item]")];
    const from = items.indexOf(dragged);
    const after = over.classList.contains("iom-drop-after");
    let to = items.indexOf(over) + (after ? 1 : 0);
    if (to > from) to -= 1;
    const form = dragged.querySelector("form.iom-move");
    const select = form?.querySelector("select[name=position]");
    clearMarks(list);
    if (!select || to === from) return;
    // Places are the server's own numbers: an agenda's list may start at 3.
    select.selectedIndex = Math.min(to, select.options.length - 1);
    post(list, form, "to");
  });
  list.addEventListener("dragend", () => {
    clearMarks(list);
    dragged = null;
  });
};

const known = new WeakSet();

export const startReorder = (root = document) => {
  for (const list of root.querySelectorAll("[data-reorder][id]")) {
    if (known.has(list)) continue;
    known.add(list);
    watch(list);
  }
};
