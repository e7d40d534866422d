"""Commands and texts with which a package is installed from this index alone.

None of them adds this index to another one (`--extra-index-url`): installers would then take the
highest version of either, so that anybody could publish a higher one elsewhere.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from packslip.packages.heads import Head
from packslip.setting_choices import Read
from packslip.web.context import current_settings
from packslip.web.urls import base_host, base_url, untrusted_host


@dataclass(frozen=True)
class InstallBox:
    """What to copy."""

    pip: str
    uv: str
    pyproject: str
    #: The line for `.netrc` where reading takes a token; the token itself is never in an address.
    netrc: str | None


def install_box(head: Head) -> InstallBox:
    """How the release of the page is installed; its version is named where it has to be."""
    name = head.package.id
    wanted = f"{name}=={head.release.version}" if head.release and head.must_be_pinned else name
    index = f"{base_url()}/simple/"
    host = untrusted_host()
    trust = ["--trusted-host", host] if host else []
    members_only = current_settings().read is Read.MEMBERS
    return InstallBox(
        pip=shlex.join(["pip", "install", "--index-url", index, *trust, wanted]),
        uv=shlex.join(["uv", "pip", "install", "--default-index", index, wanted]),
        pyproject=_pyproject(name, wanted, index),
        netrc=f"machine {base_host()} login __token__ password TOKEN" if members_only else None,
    )


def _pyproject(name: str, wanted: str, index: str) -> str:
    # A text of JSON is one of TOML, too.
    return "\n".join(
        (
            "[project]",
            f"dependencies = [{json.dumps(wanted)}]",
            "",
            "[[tool.uv.index]]",
            'name = "packslip"',
            f"url = {json.dumps(index)}",
            "explicit = true",
            "",
            "[tool.uv.sources]",
            f'{name} = {{ index = "packslip" }}',
        )
    )
