"""Which wheels fit an environment, and which markers may hold there."""

from __future__ import annotations

import pytest

from packslip.mirror.sync.environments import (
    Environment,
    InvalidPlatformError,
    InvalidPythonError,
    environments_of,
)

LINUX = "manylinux_2_28_x86_64"


def one(python: str | None = None, platform: str | None = None) -> Environment:
    [found] = environments_of([python] if python else [], [platform] if platform else [])
    return found


@pytest.mark.parametrize(
    ("python", "platform", "tags", "fits"),
    [
        ("3.12", LINUX, "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("3.12", LINUX, "cp312-cp312-manylinux2014_x86_64", True),
        ("3.12", LINUX, "cp39-abi3-manylinux1_x86_64", True),
        ("3.12", LINUX, "cp312-cp312-linux_x86_64", True),
        ("3.12", LINUX, "py2.py3-none-any", True),
        ("3.12", LINUX, "py3-none-manylinux_2_12_x86_64", True),
        ("3.12", LINUX, "cp312-cp312-manylinux_2_34_x86_64", False),
        ("3.12", LINUX, "cp312-cp312-manylinux_2_17_aarch64", False),
        ("3.12", LINUX, "cp312-cp312-musllinux_1_2_x86_64", False),
        ("3.12", LINUX, "cp313-cp313-manylinux_2_17_x86_64", False),
        ("3.12", LINUX, "cp313-abi3-manylinux_2_17_x86_64", False),
        ("3.12", LINUX, "cp312-cp312t-manylinux_2_17_x86_64", False),
        ("3.12", LINUX, "pp310-pypy310_pp73-manylinux_2_17_x86_64", False),
        ("3.12", LINUX, "py2-none-any", False),
        ("3.12", "manylinux2014_x86_64", "cp312-cp312-manylinux_2_12_x86_64", True),
        ("3.12", "manylinux2014_x86_64", "cp312-cp312-manylinux_2_28_x86_64", False),
        ("3.12", "musllinux_1_2_x86_64", "cp312-cp312-musllinux_1_1_x86_64", True),
        ("3.12", "macosx_14_0_arm64", "cp312-cp312-macosx_11_0_arm64", True),
        ("3.12", "macosx_14_0_arm64", "cp312-cp312-macosx_10_9_universal2", True),
        ("3.12", "macosx_14_0_arm64", "cp312-cp312-macosx_15_0_arm64", False),
        ("3.12", "win_amd64", "cp312-cp312-win_amd64", True),
        ("3.12", "win_amd64", "cp312-cp312-win32", False),
        ("3.12", "any", "py3-none-any", True),
        ("3.12", "any", "cp312-none-any", True),
        ("3.12", "any", "cp312-cp312-win_amd64", False),
        ("3.12", None, "cp312-cp312-win_amd64", True),
        ("3.12", None, "cp311-cp311-win_amd64", False),
        (None, LINUX, "cp27-cp27mu-manylinux1_x86_64", True),
        (None, LINUX, "cp27-cp27m-win32", False),
        (None, None, "jy27-none-anything", True),
    ],
)
def test_wheels_fit_by_their_tags(
    python: str | None, platform: str | None, tags: str, fits: bool
) -> None:
    assert one(python, platform).takes_wheel(tags) is fits


@pytest.mark.parametrize(
    ("python", "platform", "marker", "holds"),
    [
        ("3.12", None, "python_version < '3.11'", False),
        ("3.12", None, "python_version >= '3.9'", True),
        # Nobody said which 3.11 it is.
        ("3.11", None, "python_full_version < '3.11.3'", True),
        ("3.11", None, "python_full_version >= '3.11.3'", True),
        ("3.11.4", None, "python_full_version < '3.11.3'", False),
        ("3.12", None, "implementation_name == 'pypy'", False),
        ("3.12", None, "sys_platform == 'win32'", True),
        ("3.12", None, "sys_platform == 'win32' and python_version < '3'", False),
        ("3.12", None, "python_version < '3' and os_name == 'nt' or os_name == 'nt'", True),
        ("3.12", None, "python_version < '3' and (os_name == 'nt' or os_name == 'x')", False),
        ("3.12", LINUX, "sys_platform == 'win32'", False),
        ("3.12", LINUX, "platform_machine == 'x86_64' and 'linux' in sys_platform", True),
        ("3.12", LINUX, "platform_machine == 'aarch64'", False),
        ("3.12", LINUX, "platform_release >= '6'", True),
        (None, "win_amd64", "platform_system == 'Windows' and python_version < '3'", True),
        (None, "macosx_14_0_arm64", "platform_machine == 'arm64'", True),
        (None, "any", "sys_platform == 'win32'", True),
        (None, None, "python_version < '3'", True),
        (None, None, "extra == 'other'", False),
        (None, None, "extra == 'asked'", True),
        (None, None, "extra == 'Asked' and python_version < '3'", True),
        ("3.12", None, "extra == 'asked' and python_version < '3'", False),
        (None, None, "no marker at all", True),
        (None, None, None, True),
    ],
)
def test_markers_hold_when_they_may(
    python: str | None, platform: str | None, marker: str | None, holds: bool
) -> None:
    assert one(python, platform).may_hold(marker, ["asked"]) is holds


@pytest.mark.parametrize(
    ("python", "requires", "takes"),
    [
        ("3.11", ">=3.12", False),
        ("3.11", ">=3.11.4", True),
        ("3.11.2", ">=3.11.4", False),
        ("3.14", "<4", True),
        (None, ">=3.99", True),
        ("3.11", "nonsense", True),
        ("3.11", None, True),
    ],
)
def test_files_are_for_some_pythons(python: str | None, requires: str | None, takes: bool) -> None:
    assert one(python).takes_python(requires) is takes


def test_each_python_is_wanted_on_each_platform() -> None:
    found = environments_of(["3.11", "3.12", "3.11"], ["any", LINUX])
    assert [str(one) for one in found] == [
        "Python 3.11 on any",
        f"Python 3.11 on {LINUX}",
        "Python 3.12 on any",
        f"Python 3.12 on {LINUX}",
    ]


def test_what_is_no_python_or_platform_is_refused() -> None:
    for text in ("2.7", "3", "312", "cp312", ""):
        with pytest.raises(InvalidPythonError):
            environments_of([text], [])
    for text in ("", "Linux!", "source", "linux-x86_64"):
        with pytest.raises(InvalidPlatformError):
            environments_of([], [text])
