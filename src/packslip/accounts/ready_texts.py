"""Texts with which a new token is put to use, ready to be copied."""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from packslip.accounts.identity import TOKEN_USERNAME

#: Under which a CI keeps the token.
CI_SECRET = "PACKSLIP_TOKEN"


class ReadyText(NamedTuple):
    """A text, where it belongs, and what is to be known about it."""

    id: str
    title: str
    where: str
    text: str


def upload_texts(secret: str, base_url: str) -> list[ReadyText]:
    """For uploading with twine and its like, with uv, and in a CI job."""
    pypirc = f"""\
[distutils]
index-servers = packslip

[packslip]
repository = {base_url}/legacy/
username = {TOKEN_USERNAME}
password = {secret}
"""
    uv = f"""\
export UV_PUBLISH_TOKEN={secret}
uv publish --publish-url {base_url}/legacy/ --check-url {base_url}/simple/
"""
    ci = f"""\
export TWINE_REPOSITORY_URL={base_url}/legacy/
export TWINE_USERNAME={TOKEN_USERNAME}
export TWINE_PASSWORD="${CI_SECRET}"
twine upload dist/*
"""
    ci_uv = f"""\
export UV_PUBLISH_URL={base_url}/legacy/
export UV_PUBLISH_CHECK_URL={base_url}/simple/
export UV_PUBLISH_TOKEN="${CI_SECRET}"
uv publish
"""
    secret_in_ci = f"The CI keeps the token as its secret {CI_SECRET}, never a file of the project."
    return [
        ReadyText(
            "pypirc",
            "twine, flit and hatch",
            "In ~/.pypirc, which nobody else may read (chmod 600). Then: twine upload -r packslip"
            " dist/*",
            pypirc,
        ),
        ReadyText("uv-publish", "uv", "In a shell.", uv),
        ReadyText("ci-twine", "A CI job with twine", secret_in_ci, ci),
        ReadyText("ci-uv", "A CI job with uv", secret_in_ci, ci_uv),
    ]


def read_texts(secret: str, base_url: str) -> list[ReadyText]:
    """For installing from an index that is for members, with pip and uv, and in a CI job."""
    host = urlsplit(base_url).hostname or ""
    netrc = f"machine {host}\nlogin {TOKEN_USERNAME}\npassword {secret}\n"
    pip = f"[global]\nindex-url = {base_url}/simple/\n"
    if _is_refused_by_pip(base_url):
        pip += f"trusted-host = {host}\n"
    uv = f'[[index]]\nname = "packslip"\nurl = "{base_url}/simple/"\ndefault = true\n'
    ci = f"""\
umask 077
printf 'machine {host}\\nlogin {TOKEN_USERNAME}\\npassword %s\\n' "${CI_SECRET}" > ~/.netrc
export PIP_INDEX_URL={base_url}/simple/
export UV_DEFAULT_INDEX={base_url}/simple/
"""
    if _is_refused_by_pip(base_url):
        ci += f"export PIP_TRUSTED_HOST={host}\n"
    return [
        ReadyText(
            "netrc",
            "The token, for pip, uv, poetry and pdm",
            "In ~/.netrc, which nobody else may read (chmod 600). It belongs into no address and"
            " into no file of a project.",
            netrc,
        ),
        ReadyText("pip", "pip", "In ~/.config/pip/pip.conf", pip),
        ReadyText("uv", "uv", "In ~/.config/uv/uv.toml", uv),
        ReadyText(
            "ci-read",
            "A CI job",
            f"The CI keeps the token as its secret {CI_SECRET}, never a file of the project.",
            ci,
        ),
    ]


def _is_refused_by_pip(base_url: str) -> bool:
    # pip trusts no plain HTTP but that of the machine itself.
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True
