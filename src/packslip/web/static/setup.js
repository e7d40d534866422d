// Takes the set-up code out of the link and puts it into the form. Afterwards the code stands
// neither in the address bar nor in the browser's history.

function takeCode() {
  const given = new URLSearchParams(location.hash.slice(1)).get("code");
  const field = document.getElementById("code");
  if (given) {
    field.value = given;
    document.getElementById("username").focus();
  }
  if (location.hash || location.search) {
    history.replaceState(null, "", location.pathname);
  }
}

addEventListener("hashchange", takeCode);
takeCode();
