"""Pictures of all pages, in light and dark, wide and narrow: `make screenshots`."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from playwright.sync_api import Browser, Page
from rich.console import Console
from rich.progress import track
from tests.helpers.chromium import launched
from tests.helpers.pages import log_in
from tests.helpers.server import PASSWORD, Server, serving

from tools.showcase import fill

SCHEMES = ("light", "dark")
WIDTHS = (1280, 390)
HEIGHT = 860
README_WIDTH = 1120
#: Within the text of the documentation pictures are smaller.
DOCS_WIDTH, DOCS_HEIGHT = 960, 600


@dataclass(frozen=True)
class Shot:
    """One page, as one person sees it."""

    name: str
    path: str
    #: Nobody in particular when empty.
    person: str = ""
    #: Also kept for the README, cut at the height of a screen.
    in_readme: bool = False
    #: Also kept for the other documentation, smaller, and in light alone.
    in_docs: bool = False


SHOTS = (
    Shot("home", "/", "ada", in_readme=True),
    Shot("home-of-nobody", "/"),
    Shot("search", "/search/?q=acme", in_readme=True),
    Shot("search-notes", "/search/?q=currency"),
    Shot("search-nothing", "/search/?q=acme-ordres"),
    Shot("package", "/project/acme-orders/", in_readme=True),
    Shot("release", "/project/acme-orders/1.2/"),
    Shot("files-on-hold", "/project/acme-orders/1.1/files/", "grace"),
    Shot("releases", "/project/acme-orders/releases/"),
    Shot("release-notes", "/project/acme-orders/1.2/notes/"),
    Shot("package-archived", "/project/acme-legacy-export/"),
    Shot("files", "/project/acme-orders/files/"),
    Shot("dependencies", "/project/acme-money/dependencies/"),
    Shot("downloads", "/project/acme-orders/downloads/"),
    Shot("package-settings", "/project/acme-orders/settings/", "ada"),
    Shot("removal", "/project/acme-orders/settings/removal/release?version=1.0", "ada"),
    Shot("acts-release", "/project/acme-orders/1.1/", "grace", in_docs=True),
    Shot("acts-notes", "/project/acme-orders/notes/", "ada", in_docs=True),
    Shot("statistics", "/stats/"),
    Shot("browse", "/browse/"),
    Shot("user", "/user/ada/"),
    Shot("user-not-found", "/user/margret/", "ada"),
    Shot("not-found", "/project/acme-order/"),
    Shot("log-in", "/account/login"),
    Shot("register", "/account/register"),
    Shot("account", "/account/", "ada"),
    Shot("profile", "/account/profile", "ada"),
    Shot("tokens", "/account/tokens/", "ada"),
    Shot("sessions", "/account/sessions/", "ada"),
    Shot("second-factor", "/account/second-factor/", "ada"),
    Shot("admin", "/admin/", "grace"),
    Shot("admin-users", "/admin/users/", "grace"),
    Shot("admin-user", "/admin/users/ada/", "grace"),
    Shot("admin-invitations", "/admin/invitations/", "grace"),
    Shot("admin-events", "/admin/events", "grace"),
    Shot("admin-settings", "/admin/settings/", "grace"),
)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--readme", type=click.Path(file_okay=False, path_type=Path), help="For the docs.")
@click.option("--only", multiple=True, help="Names of pages; all of them without it.")
def main(folder: Path, readme: Path | None, only: tuple[str, ...]) -> None:
    """Take the pictures and put them into FOLDER."""
    console = Console()
    wanted = [shot for shot in SHOTS if not only or shot.name in only]
    with (
        tempfile.TemporaryDirectory() as place,
        launched() as browser,
        serving(Path(place), name="localhost") as server,
    ):
        with console.status("An index is made ..."):
            fill(server, Path(place) / "distributions")
        for scheme, width in itertools.product(SCHEMES, WIDTHS):
            shots = track(wanted, f"{scheme}, {width} wide", console=console)
            Camera(browser, server, scheme, width).take(shots, folder)
        if readme is not None:
            shown = [shot for shot in wanted if shot.in_readme]
            for scheme in SCHEMES:
                Camera(browser, server, scheme, README_WIDTH).take(shown, readme, whole=False)
            small = Camera(browser, server, "light", DOCS_WIDTH, DOCS_HEIGHT)
            small.take([shot for shot in wanted if shot.in_docs], readme, whole=False)
    console.print(f"The pictures are in {folder}.")


@dataclass(frozen=True)
class Camera:
    """A browser before a server, with a screen of some width."""

    browser: Browser
    server: Server
    scheme: str
    width: int
    height: int = HEIGHT

    def take(self, shots: Iterable[Shot], folder: Path, *, whole: bool = True) -> None:
        """Put a picture of each page, or of what a screen has of it, into the folder."""
        pages: dict[str, Page] = {}
        for shot in shots:
            page = pages.get(shot.person) or self._open(shot.person)
            pages[shot.person] = page
            page.goto(shot.path, wait_until="networkidle")
            width = f"-{self.width}" if whole else ""
            path = folder / f"{shot.name}-{self.scheme}{width}.png"
            page.screenshot(path=path, full_page=whole)
        for page in pages.values():
            page.context.close()

    def _open(self, person: str) -> Page:
        page = self.browser.new_context(
            base_url=self.server.url,
            color_scheme="dark" if self.scheme == "dark" else "light",
            viewport={"width": self.width, "height": self.height},
            reduced_motion="reduce",
        ).new_page()
        if person:
            log_in(page, person, PASSWORD)
        return page


if __name__ == "__main__":
    main()
