// Keys that lead to pages. They can be switched off at /appearance.

const KEYS = {
  "/": () => document.getElementById("top-search")?.focus(),
  "?": () => location.assign("/appearance#keys"),
  "e": () => document.querySelector("a[data-key=e]")?.click(),
  "g h": () => location.assign("/"),
  "g n": () => location.assign("/notes/"),
  "g s": () => location.assign("/stats/"),
  "n": () => location.assign("/notes/new"),
};

const TYPING = "input, textarea, select, [contenteditable]";
const PATIENCE = 1000;

let first = "";
let firstAt = 0;

function onKey(event) {
  if (document.documentElement.dataset.shortcuts === "off") return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest(TYPING)) return;
  const pair = event.timeStamp - firstAt < PATIENCE ? `${first} ${event.key}` : event.key;
  first = event.key;
  firstAt = event.timeStamp;
  const act = KEYS[pair] ?? KEYS[event.key];
  if (act) {
    event.preventDefault();
    first = "";
    act();
  }
}

document.addEventListener("keydown", onKey);
