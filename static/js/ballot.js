// Counts the votes of the organisations while they are marked, and asks for the casting vote only when they tie.
// Without this the casting vote is always there, and the server says what does not fit.

const counted = (ballot) => {
  const of = (side) => ballot.querySelectorAll(`[data-vote="${side}"]:checked`).length;
  return { inFavour: of("for"), against: of("against"), rows: ballot.querySelectorAll("tbody tr").length };
};

const words = ({ inFavour, against, rows }) => {
  const rest = rows - inFavour - against;
  const said = `${inFavour} for, ${against} against${rest ? `, ${rest} abstained` : ""}`;
  if (inFavour === against) return `${said}: tied`;
  return `${said}: ${inFavour > against ? "carried" : "lost"}`;
};

const watch = (ballot) => {
  const count = ballot.querySelector("[data-count]");
  const casting = ballot.querySelector("[data-casting]");
  if (!count) return;
  const draw = () => {
    const cast = counted(ballot);
    const said = words(cast);
    if (count.textContent !== said) count.textContent = said;
    if (!casting) return;
    casting.hidden = cast.inFavour !== cast.against;
    if (casting.hidden) for (const input of casting.querySelectorAll("input:checked")) input.checked = false;
  };
  ballot.addEventListener("change", draw);
  draw();
};

export const startBallot = (root = document) => {
  for (const ballot of root.querySelectorAll("[data-ballot]")) watch(ballot);
};
