// A note's page: a button that prints, and an end to the browser's copy of what was saved.

const saved = document.querySelector("[data-saved-draft]");
if (saved) {
  try {
    localStorage.removeItem(`packslip-note-${saved.dataset.user}-${saved.dataset.savedDraft}`);
  } catch {
    // There is none then.
  }
}

for (const button of document.querySelectorAll("button[data-prints]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
