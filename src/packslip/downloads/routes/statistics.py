"""How often packages are downloaded: as pages, and as CSV and JSON for who wants to reckon."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response, render_template, request, url_for
from packaging.utils import canonicalize_name
from werkzeug.wrappers import Response as BaseResponse

from packslip import db
from packslip.accounts.current import current_user
from packslip.accounts.queries import get_shown_user
from packslip.accounts.readers import guard_pages
from packslip.downloads import statistics
from packslip.downloads.queries import total_downloads
from packslip.downloads.statistics import PERIODS, Period, Statistics
from packslip.packages.heads import read_head
from packslip.packages.queries import get_package
from packslip.web.redirects import moved_permanently

blueprint = Blueprint("statistics", __name__, template_folder="../templates")
guard_pages(blueprint)


@blueprint.app_template_global("bars")
def bars(numbers: Sequence[int]) -> str:
    """The path of a small chart with a bar for each number, 4 wide and at most 20 high."""
    most = max(numbers, default=0)
    return "".join(
        f"M{at * 4} 20v-{20 * number / most:.1f}h3V20z"
        for at, number in enumerate(numbers)
        if number
    )


#: Days without a download after which a package counts as unused.
UNUSED_DAYS = 180


@blueprint.get("/project/<name>/downloads/", endpoint="package")
def package_page(name: str) -> str | BaseResponse:
    """The downloads of a package."""
    normalized = canonicalize_name(name)
    if normalized != name:
        return moved_permanently(url_for(".package", name=normalized))
    head = read_head(db.session(), current_user(), normalized)
    found = statistics.package_statistics(db.session(), head.package.id, _period())
    return render_template(
        "downloads/package.html",
        head=head,
        statistics=found,
        periods=PERIODS,
        ever=total_downloads(db.session(), head.package.id),
    )


@blueprint.get("/project/<name>/downloads.csv")
def package_csv(name: str) -> Response:
    """The same as CSV, a line a day."""
    return _as_csv(_of_package(name), f"{canonicalize_name(name)}-downloads")


@blueprint.get("/project/<name>/downloads.json")
def package_json(name: str) -> Response:
    """The same as JSON."""
    return _as_json(_of_package(name))


@blueprint.get("/stats/")
def index() -> str:
    """The downloads of the whole index."""
    session = db.session()
    return render_template(
        "downloads/index.html",
        statistics=statistics.index_statistics(session, _period()),
        most=statistics.most_downloaded(session, 20),
        unused=statistics.unused_packages(session, UNUSED_DAYS, 20),
        unused_days=UNUSED_DAYS,
        periods=PERIODS,
        ever=total_downloads(session),
    )


@blueprint.get("/stats.csv")
def index_csv() -> Response:
    """The same as CSV, a line a day."""
    return _as_csv(statistics.index_statistics(db.session(), _period()), "downloads")


@blueprint.get("/stats.json")
def index_json() -> Response:
    """The same as JSON."""
    return _as_json(statistics.index_statistics(db.session(), _period()))


@blueprint.get("/user/<username>/downloads/")
def user(username: str) -> str:
    """The downloads of all packages that a user looks after."""
    found = get_shown_user(db.session(), username)
    return render_template(
        "downloads/user.html",
        person=found,
        statistics=statistics.user_statistics(db.session(), found, _period()),
        periods=PERIODS,
    )


def _period() -> Period:
    days = request.args.get("days", default=PERIODS[0], type=int)
    return Period(days if days in PERIODS else PERIODS[0])


def _of_package(name: str) -> Statistics:
    package = get_package(db.session(), canonicalize_name(name))
    return statistics.package_statistics(db.session(), package.id, _period())


def _as_csv(found: Statistics, name: str) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["day", "downloads", *(_cell(part.label) for part in found.parts)])
    columns = [found.total.numbers, *(part.numbers for part in found.parts)]
    writer.writerows(zip((day.isoformat() for day in found.days), *columns, strict=True))
    response = Response(text.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _cell(text: str) -> str:
    # A spreadsheet would reckon with what begins like a formula.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _as_json(found: Statistics) -> Response:
    document: dict[str, Any] = {
        "first": found.period.first,
        "last": found.period.last,
        "downloads": found.downloads,
        "days": [
            {"day": day, "downloads": number}
            for day, number in zip(found.days, found.total.numbers, strict=True)
        ],
        "by": {
            dimension.value: [
                {"value": share.label, "downloads": share.downloads} for share in shares
            ]
            for dimension, shares in found.breakdowns.items()
        },
    }
    return Response(msgspec.json.encode(document), mimetype="application/json")
