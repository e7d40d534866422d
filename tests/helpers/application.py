"""An application with its dependencies: what the tests upload and install.

slip-app ── slip-core ── slip-words
    ├────── slip-text            (source only, builds itself)
    └────── slip-native          (a wheel for this machine alone)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from packaging.tags import sys_tags
from tests.helpers.distributions import build_sdist, build_wheel

#: What `pip install slip-app` brings.
INSTALLED = {
    "slip-app": "1.0",
    "slip-core": "1.10",
    "slip-native": "2.1",
    "slip-text": "0.9",
    "slip-words": "3.1",
}

#: The files that this brings: wheels where there are some that fit this machine.
DOWNLOADED = (
    "slip_app-1.0-py3-none-any.whl",
    "slip_core-1.10-py3-none-any.whl",
    f"slip_native-2.1-{next(sys_tags())}.whl",
    "slip_text-0.9.tar.gz",
    "slip_words-3.1-py3-none-any.whl",
)

#: Builds a wheel of what lies beside it, with nothing but the standard library, so that building
#: needs nothing from an index either.
_BACKEND = """
import base64
import email
import hashlib
import pathlib
import zipfile


def record_line(member, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{member},sha256={digest},{len(content)}\\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    metadata = pathlib.Path("PKG-INFO").read_bytes()
    headers = email.message_from_bytes(metadata)
    name = headers["Name"].lower().replace("-", "_").replace(".", "_")
    stem = f"{name}-{headers['Version']}"
    wheel = b"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    members = {
        f"{name}.py": pathlib.Path(f"{name}.py").read_bytes(),
        f"{stem}.dist-info/METADATA": metadata,
        f"{stem}.dist-info/WHEEL": wheel,
    }
    record = f"{stem}.dist-info/RECORD"
    lines = [record_line(member, content) for member, content in members.items()]
    members[record] = "".join([*lines, f"{record},,\\n"]).encode()
    filename = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, filename), "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return filename
"""

_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def build_application(folder: Path) -> list[Path]:
    """The files of the application and of all it needs, in several releases."""
    core = {"requires_dist": ["slip-words>=3"], "requires_python": ">=3.9"}
    tag = next(sys_tags())
    return [
        *(sdist(folder, "slip-words", version) for version in ("2.0", "3.0")),
        sdist(folder, "Slip.Words", "3.1"),
        wheel(folder, "Slip.Words", "3.1"),
        *(wheel(folder, "slip-core", version, **core) for version in ("1.1", "1.2", "1.9", "1.10")),
        wheel(folder, "slip-core", "1.11rc1", **core),
        wheel(folder, "slip-core", "1.12", **{**core, "requires_python": ">=3.99"}),
        sdist(folder, "slip-text", "0.9", metadata_version="2.1"),
        wheel(folder, "slip-native", "2.1", tags=str(tag)),
        wheel(folder, "slip-native", "2.1", tags="cp39-cp39-win32"),
        *application(folder, "1.0"),
    ]


def application(folder: Path, version: str) -> list[Path]:
    """A release of the application itself, as a wheel and as a source distribution."""
    needs = {"requires_dist": ["slip-core>=1.2", "slip-text", "slip-native; python_version>'3'"]}
    code = {
        "slip_app.py": (
            "import slip_core, slip_native, slip_text, slip_words\n"
            "print('slips of', slip_core.__name__, slip_text.__name__, slip_words.__name__)\n"
        )
    }
    return [
        wheel(folder, "slip-app", version, files=code, **needs),
        sdist(folder, "slip-app", version, code=code, **needs),
    ]


def wheel(folder: Path, name: str, version: str, **metadata: object) -> Path:
    """A wheel; see `build_wheel`."""
    return build_wheel(folder, name, version, **metadata)  # type: ignore[arg-type]


def sdist(
    folder: Path,
    name: str,
    version: str,
    *,
    code: dict[str, str] | None = None,
    **metadata: str | Iterable[str],
) -> Path:
    """A source distribution that builds itself without any other package."""
    module = name.lower().replace("-", "_").replace(".", "_")
    files = {"pyproject.toml": _PYPROJECT.lstrip(), "backend.py": _BACKEND.lstrip()}
    files |= code or {f"{module}.py": f'__version__ = "{version}"\n'}
    return build_sdist(folder, name, version, files=files, **metadata)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
