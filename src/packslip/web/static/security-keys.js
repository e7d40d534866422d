// Forms that a security key or passkey fills in (Web Authentication).
//
// <form data-keys="make" or "sign" data-options="where the options come from"
//       data-origin="the origin at which keys work" hidden>
//   <input type="hidden" name="credential"> …
// It is shown where the browser can do it. When it is sent, the browser asks the key first; what the
// key answers is posted with the form, so that the server's answer is a page like any other.

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const listed = (keys) => keys?.map((key) => ({ ...key, id: decode(key.id) }));

async function askServer(form) {
  const response = await fetch(form.dataset.options, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": form.elements.csrf_token.value },
  });
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const answer = isJson ? await response.json() : {};
  if (!response.ok || !answer.challenge) {
    throw new Error(answer.detail ?? "The server did not answer as expected. Load this page anew.");
  }
  return { ...answer, challenge: decode(answer.challenge) };
}

async function make(form) {
  const options = await askServer(form);
  const key = await navigator.credentials.create({
    publicKey: {
      ...options,
      user: { ...options.user, id: decode(options.user.id) },
      excludeCredentials: listed(options.excludeCredentials),
    },
  });
  return written(key, {
    attestationObject: encode(key.response.attestationObject),
    transports: key.response.getTransports?.() ?? [],
  });
}

async function sign(form) {
  const options = await askServer(form);
  const key = await navigator.credentials.get({
    publicKey: { ...options, allowCredentials: listed(options.allowCredentials) },
  });
  const handle = key.response.userHandle;
  return written(key, {
    authenticatorData: encode(key.response.authenticatorData),
    signature: encode(key.response.signature),
    userHandle: handle && handle.byteLength ? encode(handle) : null,
  });
}

function written(key, response) {
  const id = encode(key.rawId);
  const clientDataJSON = encode(key.response.clientDataJSON);
  return JSON.stringify({ id, rawId: id, type: key.type, response: { clientDataJSON, ...response } });
}

function inWords(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "AbortError":
      return "Nothing was done: it was called off, took too long, or no key was found.";
    case "InvalidStateError":
      return "This key is registered already.";
    case "SecurityError":
    case "NotSupportedError":
      return "This browser does not allow it here.";
    default:
      return error.message;
  }
}

function show(form) {
  const note = form.parentElement.querySelector("[data-key-note]") ?? document.createElement("p");
  note.dataset.keyNote = "";
  note.className = "hint";
  note.ariaLive = "polite";
  note.textContent = "";
  form.after(note);
  if (!window.PublicKeyCredential || !navigator.credentials) {
    note.textContent = "This browser knows no security keys and passkeys, or not at this address.";
    return;
  }
  if (form.dataset.origin !== location.origin) {
    note.textContent = `Security keys and passkeys work only at ${form.dataset.origin}.`;
    return;
  }
  const button = form.querySelector("button");
  form.hidden = false;
  // Whoever comes back with the browser's button finds the page as it was left.
  window.addEventListener("pageshow", () => { button.disabled = false; });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    note.textContent = "Waiting for the key …";
    note.className = "hint";
    button.disabled = true;
    try {
      form.elements.credential.value = await (form.dataset.keys === "make" ? make : sign)(form);
      form.submit();
    } catch (error) {
      note.textContent = inWords(error);
      note.className = "fault";
      button.disabled = false;
    }
  });
}

document.querySelectorAll("form[data-keys]").forEach(show);
