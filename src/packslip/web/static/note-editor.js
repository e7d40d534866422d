// The editor of notes: preview while typing, drafts, and keys. Without it the page is a plain form.
// What was typed is kept on the server as a draft, and in this browser until the server has it.

const form = document.getElementById("note-form");
const status = document.getElementById("draft-status");
const preview = document.getElementById("note-preview");
const found = document.getElementById("found-here");
// While an earlier draft is offered, it must not be written over.
const earlier = document.getElementById("drop-draft");
const KEY = `packslip-note-${form.dataset.user}-${form.dataset.draft}`;
const PAUSE_PREVIEW = 300;
const PAUSE_DRAFT = 2000;

// What a browser keeps of a request that outlives its page, in bytes.
const MAX_KEPT_ALIVE = 60000;

let previewTimer = 0;
let draftTimer = 0;
let previewTurn = 0;
let sent = false;
let saved = written();

function written() {
  const data = new FormData(form);
  data.delete("csrf_token");
  data.delete("edition");
  return JSON.stringify([...data]);
}

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify({ at: Date.now(), fields: written() }));
    return true;
  } catch {
    // The browser may be out of room, or allow no storage.
    return false;
  }
}

function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // There is none then.
  }
}

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept && kept.fields !== saved ? kept : null;
  } catch {
    return null;
  }
}

function time(at) {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

async function keepDraft(leaving = false) {
  clearTimeout(draftTimer);
  const now = written();
  if (sent || now === saved) return;
  if (earlier) {
    status.textContent = remember()
      ? "Kept in this browser, until you use or drop the earlier draft."
      : "Use or drop the earlier draft first: two cannot be kept.";
    return;
  }
  const body = new URLSearchParams(new FormData(form));
  const keepalive = leaving && body.toString().length < MAX_KEPT_ALIVE;
  try {
    const answer = await fetch(form.dataset.drafts, { method: "POST", body, keepalive, redirect: "manual" });
    if (answer.status !== 204) throw new Error("refused");
    saved = now;
    if (found.hidden && written() === now) forget();
    status.textContent = `Draft kept at ${time(Date.now())}`;
  } catch {
    status.textContent = remember()
      ? "The server did not take the draft. It is kept in this browser."
      : "The draft could not be kept.";
  }
}

async function showPreview() {
  const turn = ++previewTurn;
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.preview, { method: "POST", body, redirect: "manual" });
    // An answer to what was typed before may come later.
    if (!answer.ok || turn !== previewTurn) return;
    preview.innerHTML = await answer.text();
    preview.hidden = false;
  } catch {
    // The next change asks again.
  }
}

// Who may do what depends on the package.
async function offerActs() {
  const choices = document.getElementById("act-choices");
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.acts, { method: "POST", body, redirect: "manual" });
    if (answer.ok && !choices.contains(document.activeElement)) choices.innerHTML = await answer.text();
  } catch {
    // The server says it when the note is saved.
  }
}

function grow() {
  const area = form.elements.body;
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + 2}px`;
}

function onChange() {
  // A text that is offered must not be written over either, while the server takes this one.
  if (found.hidden || earlier) remember();
  grow();
  clearTimeout(previewTimer);
  previewTimer = setTimeout(showPreview, PAUSE_PREVIEW);
  clearTimeout(draftTimer);
  draftTimer = setTimeout(keepDraft, PAUSE_DRAFT);
}

function fill(fields) {
  for (const [name, value] of fields) {
    const control = form.elements[name];
    if (!control) continue;
    if (control.type === "checkbox") control.checked = true;
    else control.value = value;
  }
  onChange();
}

function offer(kept) {
  found.querySelector("time").textContent = new Date(kept.at).toLocaleString();
  found.hidden = false;
  found.querySelector("[data-use]").addEventListener("click", () => {
    fill(JSON.parse(kept.fields));
    found.hidden = true;
    form.elements.body.focus();
  });
  found.querySelector("[data-drop]").addEventListener("click", () => {
    forget();
    found.hidden = true;
    form.elements.body.focus();
  });
}

function onKey(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  if (event.key !== "Enter" && event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button[value=save]"));
}

const kept = remembered();
if (kept) offer(kept);
form.addEventListener("input", onChange);
form.elements.package.addEventListener("change", offerActs);
form.addEventListener("keydown", onKey);
form.addEventListener("submit", () => {
  // The copy stays until the page of the saved note is there.
  sent = remember() || true;
});
window.addEventListener("pageshow", () => { sent = false; });
window.addEventListener("pagehide", () => keepDraft(true));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") keepDraft(true);
});
form.querySelector("button[value=preview]").hidden = true;
grow();
showPreview();
// What came back with a fault, or from a draft, is newer than what the server keeps.
if ("unsaved" in form.dataset) saved = "";
