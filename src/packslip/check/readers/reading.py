"""Read a lock file of any kind."""

from __future__ import annotations

from packslip.check.readers.locks import MAX_SIZE, BrokenLockError, Lock, LockTooLargeError
from packslip.check.readers.requirements import read_requirements
from packslip.check.readers.toml_locks import read_toml_lock

#: How TOML is told from requirements.
_TOML_NAMES = (".lock", ".toml")


def read_lock(filename: str, content: bytes) -> Lock:
    """Read a lock file. Its name tells requirements from TOML, its keys the kinds of TOML.

    Raises:
        BrokenLockError: it cannot be read; the reason names file and line.
        LockTooLargeError: it is larger than the limits.
    """
    text = read_text(filename, content)
    if filename.lower().endswith(_TOML_NAMES):
        return read_toml_lock(filename, text)
    return read_requirements(filename, text)


def read_text(filename: str, content: bytes) -> str:
    """The text of a lock file or a file of requirements.

    Raises:
        BrokenLockError: it is no text in UTF-8.
        LockTooLargeError: it is larger than the limits.
    """
    if len(content) > MAX_SIZE:
        raise LockTooLargeError(filename, f"at most {MAX_SIZE // 10**6} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BrokenLockError(filename, line, "it is no text in UTF-8.") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BrokenLockError(filename, line, "it is no text.")
    return text
