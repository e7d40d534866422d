"""Whoever has the log or a copy of the data folder has nobody's secret."""

from __future__ import annotations

import base64
import json
import re
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
from tests.helpers.application import wheel
from tests.helpers.browsing import forms_of
from tests.helpers.forms import upload_fields
from tests.helpers.mail import link_in, mailbox
from tests.helpers.second_factors import Authenticator
from tests.helpers.server import free_port, serving

UPSTREAM_PASSWORD = "upstream-Kw3pTz8Q"


@dataclass
class Person:
    """A browser over the network, which notes the secrets that it comes across."""

    client: httpx.Client
    secrets: dict[str, str]
    password: str

    def submit(self, path: str, action: str | None = None, **values: str) -> httpx.Response:
        page = self.client.get(path)
        wanted = (action or path).partition("?")[0]
        form = next(one for one in forms_of(page.text) if (one.action or path).startswith(wanted))
        self.secrets[f"token of the form at {path}"] = form.fields["csrf_token"]
        answer = self.client.post(form.action or path, data={**form.fields, **values})
        for cookie in self.client.cookies.jar:
            self.secrets[f"cookie after {path}"] = str(cookie.value)
            for name, value in contents(str(cookie.value)).items():
                if name in {"login", "csrf_token"}:
                    self.secrets[f"{name} in the cookie after {path}"] = value
        return answer


def contents(cookie: str) -> dict[str, str]:
    """What is in a session's cookie, which is signed and can be read by whoever has it."""
    is_packed = cookie.startswith(".")
    payload = cookie.removeprefix(".").partition(".")[0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    read: dict[str, str] = json.loads(zlib.decompress(raw) if is_packed else raw)
    return read


def shapes(secret: str) -> set[bytes]:
    """How a secret would be found if somebody had written it down."""
    plain = secret.encode()
    pairs = (plain, b"__token__:" + plain, b"ada:" + plain, b"root:" + plain)
    encoded = {base64.b64encode(pair).rstrip(b"=") for pair in pairs}
    return {plain, quote(secret, safe="").encode(), plain.hex().encode(), *encoded}


def places(secrets: dict[str, str], folder: Path) -> list[str]:
    """Where which of the secrets stands in a file below the folder."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = path.read_bytes()
            for name, secret in secrets.items():
                assert len(secret) >= 6, name
                found += [f"{name} in {path}" for one in shapes(secret) if one in text]
    return found


def test_no_secret_is_in_the_log_or_readable_in_the_data_folder(tmp_path: Path) -> None:
    secrets = {"upstream": UPSTREAM_PASSWORD}
    upstream = f"http://mirror:{UPSTREAM_PASSWORD}@127.0.0.1:{free_port()}/simple/"
    with (
        ExitStack() as stack,
        mailbox() as box,
        serving(
            tmp_path / "server",
            set_up=False,
            PACKSLIP_REGISTRATION="open",
            PACKSLIP_SMTP_URL=box.url,
            PACKSLIP_UPSTREAM_URL=upstream,
        ) as server,
    ):
        # It is printed, so that somebody can use it, and worth nothing once that was done.
        printed = re.search(r"#code=(\S+)", server.log)
        assert printed
        code = printed[1]
        secrets["code"] = code
        root, ada = (
            Person(stack.enter_context(httpx.Client(base_url=server.url)), secrets, password)
            for password in ("root-password-Xq8", "ada-password-Mv4")
        )
        for name, person in (("root", root), ("ada", ada)):
            secrets[f"{name}'s password"] = person.password
        root.submit(
            "/setup", username="root", email="root@example.com", password=root.password, code=code
        )
        link = root.submit("/admin/invitations/", role="member", email="ada@example.com")
        invitation = re.search(r"invitation=([\w-]+)", link.text)
        assert invitation
        secrets["invitation"] = invitation[1]
        mailed = link_in(box.wait_for("ada@example.com"))
        secrets["mailed invitation"] = mailed.rpartition("=")[2]
        registered = ada.submit(
            f"/account/register?invitation={invitation[1]}",
            username="ada",
            email="ada@example.com",
            password=ada.password,
        )
        assert registered.status_code == 303, registered.text

        made = ada.submit("/account/tokens/", name="laptop", scope="upload", reach="all", days="7")
        token = re.search(r"packslip_\w{36}", made.text)
        assert token
        secrets["token"] = token[0]
        file = wheel(tmp_path, "demo", "1.0")
        for number, (user, password) in enumerate(
            (
                ("__token__", token[0]),
                ("ada", ada.password),
                ("ada", "wrong-password-Jd5"),
                ("typed-as-name-Hs9", "x" * 12),
                ("__token__", f"{token[0][:-6]}000000"),
            )
        ):
            secrets[f"password {number}"] = password
            secrets[f"name {number}"] = user if "typed" in user else password
            answer = httpx.post(
                server.upload_url,
                data=upload_fields(file),
                files={"content": (file.name, file.read_bytes())},
                auth=(user, password),
            )
            assert answer.status_code == (403 if number > 1 else 200), answer.text
        bearer = {"Authorization": f"Bearer {token[0]}"}
        httpx.get(f"{server.url}/simple/demo/", headers=bearer)
        httpx.get(f"{server.url}/simple/nothing/", headers=bearer)
        httpx.post(f"{server.url}/api/v1/notes", headers=bearer, content=b"{")

        begun = ada.submit("/account/second-factor/", "/account/second-factor/authenticator")
        shown = re.search(r"secret=([A-Z2-7]{16,})", begun.text)
        secret = shown[1] if shown else re.findall(r"(?:[A-Z2-7]{4} ?){8}", begun.text)[0]
        secrets["authenticator"] = secret.replace(" ", "")
        token_field = forms_of(begun.text)
        confirm = next(form for form in token_field if form.action.endswith("/confirm"))
        codes = ada.client.post(
            confirm.action, data={**confirm.fields, "code": Authenticator(secret).code()}
        )
        recovery = re.findall(r"\b\w{5}-\w{5}\b", codes.text)
        assert len(recovery) == 10
        secrets |= {f"recovery code {number}": one for number, one in enumerate(recovery)}
        secrets |= {f"plain {number}": one.replace("-", "") for number, one in enumerate(recovery)}

        hooked = root.submit(
            "/admin/webhooks/",
            url=f"http://127.0.0.1:{free_port()}/hook",
            events="file.upload",
            allow_private="y",
        )
        signing = re.search(r"whsec_[\w+/=]+", hooked.text)
        assert signing, hooked.text
        secrets["webhook"] = signing[0].removeprefix("whsec_")

        secrets["reset link"] = server.command("user", "reset-password", "ada").rpartition("/")[2]
        newer = "newer-password-Tg6"
        secrets["newer password"] = newer
        ada.submit(f"/account/reset/{secrets['reset link']}", password=newer)
        ada.client.get("/account/reset/wrong-secret-Bn2")
        secrets["wrong link"] = "wrong-secret-Bn2"
        httpx.get(f"{server.url}/account/reset/{secrets['reset link']}%00", headers=bearer)
        ada.submit("/account/login", username="ada", password="wrong-at-form-Yx1")
        secrets["wrong at form"] = "wrong-at-form-Yx1"
        root.submit("/account/logout")
        assert len(secrets) > 40

        assert places(secrets, server.data) == []
    # What was in memory alone is written when the server ends.
    data = server.data
    assert places(secrets, data) == []
    secrets.pop("code")
    assert places(secrets, tmp_path / "server") == []
    # Or nothing would be shown by this.
    assert places({"address": "ada@example.com"}, data) != []
    key = data / "secret-key"
    assert key.stat().st_mode & 0o077 == 0
    assert data.stat().st_mode & 0o077 == 0
