"""Indexes of several sizes: what grows with the number of packages, and what must not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name
from sqlalchemy import text

from bench.catalogue import Size, fill
from bench.corpus import Distribution, write_wheel
from bench.index import HTML, JSON, get
from bench.processes import settled_cpu
from bench.server import BenchError, Server
from bench.suites import Bench, Case, at_rest, get_load, timed_start, uploads
from packslip import create_app
from packslip.accounts.models import User
from packslip.db import db, write_transaction
from packslip.upgrading import upgrade_schema


def fill_database(server: Server, packages: int) -> None:
    """Give Packslip so many packages with a release and a file each, straight in its database."""
    app = create_app({"PACKSLIP_DATA": server.data, "PACKSLIP_UPSTREAM_URL": ""})
    with app.app_context():
        upgrade_schema()
        for _ in fill(db.session(), Size(packages, releases=1, users=50)):
            pass
        session = db.session()
        with write_transaction(session):
            # An index where nobody can log in is closed.
            session.get_one(User, 1).hashed_password = "$argon2id$"
            session.execute(text("UPDATE packages SET origin = 'hosted'"))
            session.execute(text("UPDATE releases SET origin = 'hosted'"))
        db.session.remove()
        db.engine.dispose()


def make_many(folder: Path, packages: int) -> list[Distribution]:
    """One small wheel under as many names."""
    first = write_wheel(folder, "bench-name-0", "1.0")
    made = [first]
    for number in range(1, packages):
        path = folder / f"bench_name_{number}-1.0-py3-none-any.whl"
        os.link(first.path, path)
        made.append(replace(first, name=f"bench-name-{number}", path=path))
    return made


def a_package(server: Server) -> str:
    """The name of a package in the middle of the list."""
    page = get(server.base + server.target.simple, {"Accept": JSON})
    projects = page.json()["projects"]
    return canonicalize_name(projects[len(projects) // 2]["name"])


def of_packslip(bench: Bench, packages: int) -> Iterator[Case]:
    """The root list and a package's page, cold start, memory, and uploads."""
    server = bench.server
    label = f"{packages:,} packages"
    with server.running():
        name = a_package(server)
        page = server.page_url(name)
        plain = {"Accept": JSON, "Accept-Encoding": "identity"}
        yield get_load(bench, f"page, {label}", page, plain)
        yield from root_list(bench, packages)
        settled_cpu(server.pid)
        for case in at_rest(server, "at rest"):
            yield replace(case, name=f"{case.name}, {label}")
    yield timed_start(f"start, {label}", server, page)
    few = replace(bench, options=replace(bench.options, uploads=min(bench.options.uploads, 60)))
    for case in uploads(few):
        if "1 at a time" in case.name:
            yield replace(case, name=f"upload, {label}")


def root_list(bench: Bench, packages: int) -> Iterator[Case]:
    """The list of all packages, in the forms that the server has."""
    root = bench.server.base + bench.server.target.simple
    for form, accept in (("HTML", HTML), ("JSON", JSON)):
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        answer = get(root, headers)
        if not answer.headers["content-type"].startswith(accept):
            continue
        listed = len(answer.json()["projects"]) if form == "JSON" else answer.text.count("<a ")
        if listed < packages:
            raise BenchError(f"{root} lists {listed} packages and not {packages}")
        yield get_load(bench, f"root list, {packages:,} packages, {form}", root, headers)
