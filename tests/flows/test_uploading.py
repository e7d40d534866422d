"""twine, uv, flit, poetry and hatch upload, and tell their user why something was refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.helpers.application import sdist, sha256, wheel
from tests.helpers.clients import Credentials, Machine
from tests.helpers.distributions import Content, core_metadata, record_of, write_zip
from tests.helpers.processes import Finished
from tests.helpers.server import Server

pytestmark = pytest.mark.clients

CLIENTS = ("twine", "uv", "hatch", "poetry", "flit")

UNKNOWN_CLASSIFIER = "Weather :: Sunny"

WRONG_CREDENTIALS = "The username and password, or the token, are wrong or no longer valid."


@pytest.fixture(scope="module")
def mallory(server: Server) -> Credentials:
    """A token of somebody who owns nothing."""
    server.create_user("mallory")
    return Credentials(server.create_token("mallory"))


def publish(
    client: str,
    machine: Machine,
    server: Server,
    who: Credentials,
    name: str,
    *,
    module: str = "first = True\n",
    classifiers: tuple[str, ...] = (),
) -> Finished:
    """Publish a wheel and a source distribution of `name` 1.0 with one of the clients."""
    folder = machine.folder / "project"
    (folder / "dist").mkdir(parents=True, exist_ok=True)
    files = {f"{name.replace('-', '_')}.py": f'"""A sample."""\n__version__ = "1.0"\n{module}'}
    if client == "flit":
        write_flit_project(folder, name, files, classifiers)
        return machine.flit_publish(server, who, folder)
    fields = {"classifier": classifiers, "summary": "A sample."}
    built = [
        wheel(folder / "dist", name, "1.0", files=files, **fields),
        sdist(folder / "dist", name, "1.0", code=files, **fields),
    ]
    if client == "poetry":
        write_poetry_project(folder, name)
        return machine.poetry_publish(server, who, folder)
    upload = {
        "twine": machine.twine_upload,
        "uv": machine.uv_publish,
        "hatch": machine.hatch_publish,
    }[client]
    return upload(server, who, *built)


def write_flit_project(
    folder: Path, name: str, files: dict[str, str], classifiers: tuple[str, ...]
) -> None:
    for path, text in files.items():
        (folder / path).write_text(text)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n\n'
        f'[project]\nname = "{name}"\ndescription = "A sample."\ndynamic = ["version"]\n'
        f"classifiers = {json.dumps(classifiers)}\n"
    )


def write_poetry_project(folder: Path, name: str) -> None:
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\ndescription = "A sample."\n'
    )


def tells(done: Finished, sentence: str) -> bool:
    """Whether the client printed the sentence, however it breaks its lines."""
    return sentence in " ".join(done.output.split())


def assert_refused(done: Finished, sentence: str) -> None:
    assert done.code != 0, done
    assert tells(done, sentence), done


@pytest.mark.parametrize("client", CLIENTS)
def test_a_release_is_uploaded(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"{client}-new"
    done = publish(client, machine, server, ada, name)
    assert done.code == 0, done
    page = server.page(name)
    assert page is not None
    sent = {path.name: sha256(path) for path in (machine.folder / "project" / "dist").iterdir()}
    assert {file["filename"]: file["hashes"]["sha256"] for file in page["files"]} == sent
    assert len(sent) == 2


@pytest.mark.parametrize("client", CLIENTS)
def test_the_same_files_once_more_change_nothing(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"{client}-twice"
    assert publish(client, machine, server, ada, name).code == 0
    before = server.page(name)
    again = publish(client, machine, server, ada, name)
    assert again.code == 0, again
    assert server.page(name) == before


@pytest.mark.parametrize("client", CLIENTS)
def test_other_bytes_under_a_taken_name_are_refused(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"{client}-taken"
    assert publish(client, machine, server, ada, name).code == 0
    before = server.page(name)
    other = publish(client, machine, server, ada, name, module="second = True\n")
    assert_refused(other, "File already exists")
    assert server.page(name) == before


@pytest.mark.parametrize("client", CLIENTS)
def test_metadata_at_fault_is_refused(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    name = f"{client}-faulty"
    done = publish(client, machine, server, ada, name, classifiers=(UNKNOWN_CLASSIFIER,))
    assert_refused(done, UNKNOWN_CLASSIFIER)
    assert server.page(name) is None


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_token_is_refused(client: str, machine: Machine, server: Server) -> None:
    name = f"{client}-forged"
    done = publish(client, machine, server, Credentials("packslip_nobody-made-this"), name)
    assert_refused(done, WRONG_CREDENTIALS)
    assert server.page(name) is None


@pytest.mark.parametrize("client", CLIENTS)
def test_somebody_elses_package_is_refused(
    client: str, machine: Machine, server: Server, ada: Credentials, mallory: Credentials
) -> None:
    name = f"{client}-owned"
    assert publish(client, machine, server, ada, name).code == 0
    before = server.page(name)
    done = publish(client, machine, server, mallory, name, module="stolen = True\n")
    assert_refused(
        done,
        f"The user 'mallory' may not upload to the package '{name}': "
        "only its owners and maintainers may.",
    )
    assert server.page(name) == before


@pytest.mark.parametrize("client", ["twine", "uv", "hatch", "poetry"])
def test_a_file_that_is_named_as_another_package_is_refused(
    client: str, machine: Machine, server: Server, ada: Credentials
) -> None:
    """flit is left out: it builds what it sends, and names it rightly."""
    name = f"{client}-misnamed"
    folder = machine.folder / "project"
    stem = f"{client}_misnamed-1.0"
    members: dict[str, Content] = {
        f"{stem}.dist-info/METADATA": core_metadata("inner", "1.0"),
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{stem}.dist-info/RECORD"] = record_of(members, f"{stem}.dist-info/RECORD")
    file = write_zip(folder / "dist" / f"{stem}-py3-none-any.whl", members)
    if client == "poetry":
        write_poetry_project(folder, name)
        done = machine.poetry_publish(server, ada, folder)
    else:
        upload = {
            "twine": machine.twine_upload,
            "uv": machine.uv_publish,
            "hatch": machine.hatch_publish,
        }[client]
        done = upload(server, ada, file)
    assert_refused(done, f"{stem}-py3-none-any.whl: it is not named for inner")
    assert server.page(name) is None


def test_uv_looks_up_what_is_there_already(
    machine: Machine, server: Server, ada: Credentials
) -> None:
    first = wheel(machine.folder / "dist", "looked-up", "1.0")
    assert machine.uv_publish(server, ada, first, check=True).code == 0
    second = wheel(machine.folder / "dist", "looked-up", "1.1")
    done = machine.uv_publish(server, ada, first, second, check=True)
    assert done.code == 0, done
    assert tells(done, "already exists, skipping"), done
    page = server.page("looked-up")
    assert page is not None
    assert page["versions"] == ["1.0", "1.1"]


def test_a_user_may_upload_with_their_password(machine: Machine, server: Server) -> None:
    server.create_user("grace", "a password of hers")
    file = wheel(machine.folder / "dist", "by-password", "1.0")
    done = machine.twine_upload(server, Credentials("a password of hers", "grace"), file)
    assert done.code == 0, done
    refused = machine.twine_upload(server, Credentials("not her password", "grace"), file)
    assert_refused(refused, WRONG_CREDENTIALS)


def test_a_token_for_one_package_uploads_no_other(machine: Machine, server: Server) -> None:
    token = Credentials(server.create_token("ada", "--package", "mine-alone"))
    mine, other = (
        wheel(machine.folder / "dist", name, "1.0") for name in ("mine-alone", "something-else")
    )
    assert machine.twine_upload(server, token, mine).code == 0
    refused = machine.twine_upload(server, token, other)
    assert_refused(refused, "This token is limited to other packages than 'something-else'.")


def test_a_token_for_reading_uploads_nothing(machine: Machine, server: Server) -> None:
    token = Credentials(server.create_token("ada", "--scope", "read"))
    file = wheel(machine.folder / "dist", "read-only", "1.0")
    refused = machine.uv_publish(server, token, file)
    assert_refused(refused, "This token is for another use: its scope is 'read'.")
