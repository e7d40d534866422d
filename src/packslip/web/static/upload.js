// Takes files that are dropped on the form, and shows how much of them was sent.

const form = document.getElementById("upload");
const input = document.getElementById("files");
const button = form.querySelector("button:not([type])");
const sending = form.querySelector(".sending");
const progress = sending.querySelector("progress");
const status = form.querySelector("[role=status]");
const fault = form.querySelector("[role=alert]");

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

form.querySelector(".drop-hint").hidden = false;
for (const name of ["dragenter", "dragover"]) {
  form.addEventListener(name, (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      form.classList.add("over");
    }
  });
}
form.addEventListener("dragleave", (event) => {
  if (!form.contains(event.relatedTarget)) {
    form.classList.remove("over");
  }
});
form.addEventListener("drop", (event) => {
  form.classList.remove("over");
  if (hasFiles(event)) {
    event.preventDefault();
    // Added to what was chosen before.
    const all = new DataTransfer();
    for (const file of [...input.files, ...event.dataTransfer.files]) {
      all.items.add(file);
    }
    input.files = all.files;
    tell();
  }
});
input.addEventListener("change", tell);

function tell() {
  fault.textContent = "";
  status.textContent = [...input.files].map((file) => file.name).join(", ");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const tooLarge = [...input.files].find((file) => file.size > Number(input.dataset.most));
  if (tooLarge) {
    // Sent all the same, it would only be refused in the end.
    end(`The file ${tooLarge.name} is too large. Nothing was sent.`);
    return;
  }
  fault.textContent = "";
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  // A refusal is then one line of text.
  request.setRequestHeader("Accept", "text/plain, text/html;q=0.9");
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    progress.value = Math.floor((100 * loaded) / total);
    if (loaded === total) {
      status.textContent = "Everything is sent and is being checked.";
    }
  });
  request.addEventListener("load", () => {
    if (request.status < 400) {
      // The form's own address, or that of the log-in page.
      location.assign(request.responseURL);
    } else {
      const isText = request.getResponseHeader("Content-Type")?.startsWith("text/plain");
      end(isText ? request.responseText.trim() : "This was refused. Nothing was kept.");
    }
  });
  request.addEventListener("error", () => end("The connection was lost. Nothing was kept."));
  request.addEventListener("abort", () => end("Stopped. Nothing was kept."));
  sending.querySelector("button").onclick = () => request.abort();
  // The token comes before the files, as in the form.
  const data = new FormData(form);
  progress.value = 0;
  sending.hidden = false;
  button.disabled = true;
  request.send(data);
});

function end(text) {
  sending.hidden = true;
  button.disabled = false;
  status.textContent = "";
  fault.textContent = text;
}
