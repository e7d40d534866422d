"""The distributions of a version, and what is in them: `make dist`.

They are built of what is committed, with the time of the commit, so that everybody who builds the
same commit with the same locks gets the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import click
from flit_core import buildapi

from packslip import __version__
from tools.sbom import make_sbom

ROOT = Path(__file__).parent.parent


@contextmanager
def built_at(moment: int) -> Iterator[None]:
    """Let distributions be built as of this moment, in seconds since 1970."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(moment)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


def build(source: Path, target: Path, moment: int) -> tuple[Path, Path]:
    """Build the sdist of a tree, and the wheel of that sdist, as installers do."""
    with built_at(moment), tempfile.TemporaryDirectory() as unpacked:
        with chdir(source):
            sdist = target / buildapi.build_sdist(os.fspath(target))
        with tarfile.open(sdist) as archive:
            archive.extractall(unpacked, filter="data")
        (tree,) = Path(unpacked).iterdir()
        with chdir(tree):
            wheel = target / buildapi.build_wheel(os.fspath(target))
    return sdist, wheel


def write_bill(target: Path, requirements: Path, moment: int, files: tuple[Path, ...]) -> Path:
    """Write the bill of materials and the digests of all files."""
    digests = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    bill = target / f"packslip-{__version__}.cdx.json"
    bill.write_text(json.dumps(make_sbom(__version__, requirements, moment, digests), indent=1))
    digests.append((bill.name, hashlib.sha256(bill.read_bytes()).hexdigest()))
    lines = [f"{digest}  {name}\n" for name, digest in sorted(digests)]
    (target / "SHA256SUMS").write_text("".join(lines))
    return bill


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise click.ClickException(done.stderr.strip())
    return done.stdout.strip()


def check_tags(tags: list[str], version: str) -> None:
    """Refuse a commit that is tagged as another version.

    Raises:
        click.ClickException: what the tag says, and what the code says.
    """
    versions = [tag for tag in tags if tag.startswith("v")]
    if versions and f"v{version}" not in versions:
        raise click.ClickException(
            f"The commit is tagged {', '.join(versions)}, but packslip.__version__ is {version}."
        )


@click.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
def main(target: Path) -> None:
    """Build the committed version into TARGET, which is made."""
    check_tags(_git("tag", "--points-at", "HEAD").split(), __version__)
    moment = int(_git("log", "-1", "--format=%ct"))
    target = target.absolute()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / "tree.tar"
        _git("archive", "--output", os.fspath(archive), "HEAD")
        source = Path(place) / "tree"
        with tarfile.open(archive) as tree:
            tree.extractall(source, filter="data")
        files = build(source, target, moment)
        bill = write_bill(target, source / "requirements", moment, files)
    for path in (*files, bill, target / "SHA256SUMS"):
        click.echo(path)


if __name__ == "__main__":
    main()
