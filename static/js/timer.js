// How long the meeting has been on an item (UX section 5, point 12): words that change once a minute. It makes no sound, does
// not flash, and is not read out.
const MINUTE = 60000;

const minutes = (count) => (count === 1 ? "1 minute" : `${count} minutes`);

const inWords = (spent, planned) =>
  spent > planned ? `${minutes(spent - planned)} over` : `${spent} of ${minutes(planned)}`;

export const startTimer = () => {
  const timer = document.querySelector("[data-timer]");
  if (!timer) return;
  const began = Date.now() - Number(timer.dataset.seconds) * 1000;
  const planned = Number(timer.dataset.planned);
  const show = () => {
    const spent = Math.floor((Date.now() - began) / MINUTE);
    timer.textContent = inWords(spent, planned);
    timer.classList.toggle("iom-livebar__over", spent > planned);
  };
  window.setInterval(show, MINUTE / 4);
};
