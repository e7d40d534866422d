"""An index that looks like one in use: what the screenshots show."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.inside import inside
from tests.helpers.prepared import PASSWORD
from tests.helpers.server import Server

from packslip import create_app
from packslip.attestations.models import Attested
from packslip.db import db, write_transaction
from packslip.downloads.models import Download
from packslip.downloads.rollups import sum_up
from packslip.packages.models import File, Package, Release
from tools.showcase_notes import add_notes_and_more

README = """# {title}

{summary}

## Use

```python
from {module} import {title}

with {title}.open("orders") as store:
    for order in store.since(days=7):
        print(order.number, order.total)  # newest first
```

| Setting | Default | Meaning |
|---|---|---|
| `timeout` | 10 s | how long to wait for an answer |
| `retries` | 3 | attempts before an error is raised |

- typed, and tested on every Python that is supported
- no dependencies beyond the standard ones of the team

![build](https://ci.example.com/{name}/badge.svg) See the [handbook](https://docs.example.com/{name}/).
"""


@dataclass(frozen=True)
class Demo:
    """One package of the showcase."""

    name: str
    summary: str
    owner: str
    versions: tuple[str, ...]
    #: Downloads on a usual day.
    a_day: int
    requires: tuple[str, ...] = ()
    license: str = "MIT"
    extra: Mapping[str, str] = field(default_factory=dict)


DEMOS = (
    Demo("acme-orders", "Read and write orders of the shop, typed.", "ada",
         ("1.0", "1.1", "1.2", "1.2.1", "2.0", "2.1", "2.2rc1"), 140,
         ("acme-http>=2", "acme-money", "pydantic>=2")),
    Demo("acme-http", "One HTTP client for all services: retries, tracing, tokens.", "ada",
         ("1.9", "2.0", "2.1", "2.1.1"), 420, ("httpx>=0.27",)),
    Demo("acme-money", "Amounts with currencies that never lose a cent.", "grace",
         ("0.9", "1.0", "1.1"), 260),
    Demo("acme-ledger", "Double-entry bookkeeping over acme-money.", "grace",
         ("3.0", "3.1", "3.2"), 75, ("acme-money>=1",), "Apache-2.0"),
    Demo("acme-forecast", "Demand for the next weeks, with its uncertainty.", "linus",
         ("0.1", "0.2", "0.3a1"), 31, ("numpy", "acme-orders"), "BSD-3-Clause"),
    Demo("acme-labels", "Shipping labels as PDF and ZPL.", "linus", ("1.4", "1.5"), 55),
    Demo("acme-login", "Single sign-on for Flask and Django.", "ada", ("4.0", "4.1"), 190,
         ("acme-http",)),
    Demo("acme-queue", "Jobs that survive a restart.", "margaret", ("2.3", "2.4"), 88,
         ("acme-http",), "Apache-2.0"),
    Demo("acme-testing", "Fixtures and fakes that all teams share.", "margaret", ("7.0",), 310),
    Demo("acme-legacy-export", "Exports for the old warehouse.", "grace", ("0.8",), 0),
)  # fmt: skip

PEOPLE = {"ada": "Ada Lovelace", "grace": "Grace Hopper", "linus": "Linus Pauling",
          "margaret": "Margaret Hamilton"}  # fmt: skip


def fill(server: Server, folder: Path) -> dict[str, Any]:
    """Fill the empty index of a running server; what stands in braces in addresses of pictures."""
    for username, name in PEOPLE.items():
        role = ["--admin"] if username == "grace" else []
        server.create_user(username, PASSWORD, "--name", name, *role)
    tokens = {name: server.create_token(name) for name in PEOPLE}
    for demo in DEMOS:
        for path in _distributions(folder, demo):
            answer = server.upload(tokens[demo.owner], path)
            assert answer.status_code == 200, answer.text
    server.command("package", "yank", "acme-orders", "1.2", "--reason", "rounds VAT wrongly")
    _write_notes(server)
    for package in ("acme-orders", "acme-returns"):
        server.command(
            "publisher", "add", package, "--user", "ada", "--repository", f"acme/{package}",
            "--workflow", "release.yml", "--environment", "release",
        )  # fmt: skip
    server.command("package", "maintainers", "add", "acme-orders", "grace")
    _make_teams(server)
    _spread_over_time(server)
    with inside(server) as within:
        return add_notes_and_more(within, folder)


def _make_teams(server: Server) -> None:
    for words in (
        ("create", "shop", "--description", "Orders, labels and money: all that the shop needs."),
        ("add", "shop", "ada", "--role", "manager"),
        ("add", "shop", "linus"),
        ("grant", "shop", "--package", "acme-orders", "--role", "owner"),
        ("grant", "shop", "--package", "acme-labels"),
        ("grant", "shop", "--prefix", "acme-shop", "--role", "owner"),
        ("create", "platform", "--description", "What all services stand on."),
        ("add", "platform", "margaret", "--role", "manager"),
        ("add", "platform", "grace"),
        ("grant", "platform", "--prefix", "acme"),
    ):
        server.command("team", *words)


def _write_notes(server: Server) -> None:
    for username, title, *rest in (
        ("grace", "loses the currency of refunds", "--package", "acme-orders", "--versions",
         "==1.1", "--act", "hold", "--visibility", "public"),
        ("ada", "2.1 needs the new queue; plan a day for it", "--package", "acme-orders",
         "--versions", ">=2.1", "--act", "warn", "--visibility", "public"),
        ("ada", "How we roll out new versions", "--package", "acme-orders", "--visibility",
         "public", "--body", "First the *staging* shop, then half of the workers. See #deploy."),
        ("grace", "acme-ledger exports the same, faster", "--package", "acme-legacy-export",
         "--act", "archive", "--visibility", "public"),
    ):  # fmt: skip
        server.command("note", "add", "--user", username, "--title", title, *rest)


def _distributions(folder: Path, demo: Demo) -> Iterator[Path]:
    module = demo.name.replace("-", "_")
    title = "".join(part.capitalize() for part in demo.name.split("-")[1:])
    for version in demo.versions:
        said = {
            "metadata_version": "2.4",
            "summary": demo.summary,
            "author_email": f"{PEOPLE[demo.owner]} <{demo.owner}@example.com>",
            "license_expression": demo.license,
            "keywords": "acme,shop",
            "requires_python": ">=3.11",
            "requires_dist": list(demo.requires),
            "classifier": [
                "Development Status :: 5 - Production/Stable",
                "Programming Language :: Python :: 3.12",
                "Typing :: Typed",
            ],
            "project_url": [
                f"Documentation, https://docs.example.com/{demo.name}/",
                f"Source, https://git.example.com/acme/{demo.name}",
                f"Changelog, https://git.example.com/acme/{demo.name}/releases",
            ],
            "description_content_type": "text/markdown",
            "description": README.format(
                title=title, summary=demo.summary, module=module, name=demo.name
            ),
        }
        yield build_wheel(folder, demo.name, version, **said)  # type: ignore[arg-type]
        yield build_sdist(folder, demo.name, version, **said)  # type: ignore[arg-type]


def _spread_over_time(server: Server) -> None:
    app = create_app({"PACKSLIP_DATA": server.data, "PACKSLIP_UPSTREAM_URL": ""})
    with app.app_context():
        session = db.session()
        rng = random.Random(7)  # noqa: S311 - the same picture every time
        now = datetime.now(UTC)
        for at, demo in enumerate(DEMOS):
            with write_transaction(session):
                releases = session.scalars(
                    select(Release)
                    .where(Release.package_id == demo.name)
                    .order_by(Release.sort_key.desc())
                ).all()
                for back, release in enumerate(releases):
                    moment = now - timedelta(days=3 + 5 * at + 47 * back, hours=at, minutes=7 * at)
                    session.execute(
                        update(Release).where(Release.id == release.id).values(created_at=moment)
                    )
                    session.execute(
                        update(File).where(File.release_id == release.id).values(uploaded_at=moment)
                    )
                    if release.version == releases[0].package.latest_version:
                        session.add_all(_attested(release))
                        session.execute(
                            update(Package)
                            .where(Package.id == demo.name)
                            .values(latest_at=moment, created_at=now - timedelta(days=400))
                        )
                rows = list(_downloads(rng, demo, releases, now))
                if rows:
                    session.execute(insert(Download), rows)
                    sum_up(session, rows)
        db.session.remove()
        db.engine.dispose()


def _attested(release: Release) -> Iterator[Attested]:
    publisher = {
        "kind": "GitHub",
        "repository": f"acme/{release.package_id}",
        "workflow": "release.yml",
    }
    for file in release.files:
        is_wheel = file.packagetype == "bdist_wheel"
        yield Attested(
            file_id=file.id,
            attestations=[{"version": 1}],
            publisher=publisher if is_wheel else {},
            verified_at=datetime.now(UTC) if is_wheel else None,
        )


def _downloads(
    rng: random.Random, demo: Demo, releases: object, now: datetime
) -> Iterator[dict[str, object]]:
    assert isinstance(releases, list)
    stable = [release for release in releases if not release.is_prerelease]
    for back in range(90):
        moment = now - timedelta(days=back)
        # Weekends are quiet, and it has become more over time.
        usual = demo.a_day * (0.25 if moment.weekday() >= 5 else 1) * (1 - back / 180)
        for _ in range(int(rng.gauss(usual, usual / 6))) if usual else ():
            newest = min(int(rng.expovariate(1.4)), len(stable) - 1)
            installer = rng.choices(("uv", "pip", "poetry"), (6, 4, 1))[0]
            yield {
                "created_at": moment,
                "package_id": demo.name,
                "release_id": stable[newest].id,
                "file": f"{demo.name.replace('-', '_')}-{stable[newest].version}-py3-none-any.whl",
                "user_agent": installer,
                "installer": installer,
                "python_version": f"3.{rng.choices((11, 12, 13, 14), (1, 4, 5, 2))[0]}.1",
                "system": rng.choices(("Linux", "Darwin", "Windows"), (8, 2, 1))[0],
            }
