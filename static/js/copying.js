// A button with data-copy="id" copies the text of that element, a line for each item of a list.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const items = source.querySelectorAll("li");
    const lines = items.length ? [...items].map((item) => item.textContent.trim()) : [source.textContent.trim()];
    try {
      await navigator.clipboard.writeText(lines.join("\n"));
    } catch {
      return;
    }
    button.textContent = button.dataset.copied;
    const announcer = document.getElementById("announcer");
    if (announcer) announcer.textContent = button.dataset.copied;
  });
}
