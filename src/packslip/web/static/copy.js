// Buttons that copy a text: <button data-copies="ID" hidden>, followed by a live region.

for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  const status = button.nextElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    // Emptied first, so that a second "Copied" is read out too.
    status.textContent = "";
    const copied = await copy(source);
    status.textContent = copied ? "Copied" : "Copy the selected text with the keyboard";
  });
}

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Over plain HTTP browsers have no such thing.
    window.getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}
