// Asks the server now and then which steps are done, and says so without a reload.

const SECONDS = 3;
const STEPS = ["token", "upload", "install"];
// Nobody who left the page open stays logged in by it for ever.
const END = Date.now() + 60 * 60 * 1000;

const progress = document.getElementById("progress");

function show(steps) {
  for (const step of STEPS) {
    const state = document.querySelector(`#${step} .state`);
    state.classList.toggle("done", steps[step]);
    state.textContent = steps[step] ? "✓ done" : "not yet";
  }
  const text = `${STEPS.filter((step) => steps[step]).length} of ${STEPS.length} done.`;
  // Screen readers would read the same text again.
  if (progress.textContent !== text) {
    progress.textContent = text;
  }
}

async function ask() {
  if (!document.hidden) {
    // Whoever was logged out meanwhile would be sent to another page, and is asked no more.
    const answer = await fetch(progress.dataset.address, { redirect: "error" });
    const steps = await answer.json();
    show(steps);
    if (STEPS.every((step) => steps[step])) {
      return;
    }
  }
  later();
}

function later() {
  if (Date.now() < END) {
    setTimeout(() => ask().catch(() => {}), SECONDS * 1000);
  }
}

later();
