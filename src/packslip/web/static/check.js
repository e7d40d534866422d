// A lock file that is dropped anywhere on the form is checked at once.
const form = document.querySelector("form[data-drop]");
const input = form.querySelector("input[type=file]");

function carriesFiles(event) {
  return event.dataTransfer !== null && event.dataTransfer.types.includes("Files");
}

form.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) {
    event.preventDefault();
    form.classList.add("dropping");
  }
});

form.addEventListener("dragleave", () => form.classList.remove("dropping"));

form.addEventListener("drop", (event) => {
  form.classList.remove("dropping");
  if (carriesFiles(event)) {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  }
});

(document.getElementById("faults") ?? document.getElementById("result"))?.focus();
