"""Pictures of all pages, in light and dark, wide and narrow: `make screenshots`."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import Browser, Page
from rich.console import Console
from rich.progress import track
from tests.helpers.chromium import launched
from tests.helpers.inside import Inside, inside
from tests.helpers.server import serving

from tools.shots import SHOTS, Index, Shot
from tools.showcase import fill

SCHEMES = ("light", "dark")
WIDTHS = (1280, 390)
HEIGHT = 860
README_WIDTH = 1120
#: Within the text of the documentation pictures are smaller.
DOCS_WIDTH, DOCS_HEIGHT = 960, 600
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


#: Nobody is asked there for what pages show.
_SSO = {
    "PACKSLIP_SSO_ISSUER": "https://id.example.com",
    "PACKSLIP_SSO_CLIENT_ID": "packslip",
    "PACKSLIP_SSO_NAME": "Acme ID",
}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--readme", type=click.Path(file_okay=False, path_type=Path), help="For the docs.")
@click.option("--only", multiple=True, help="Names of pages; all of them without it.")
def main(folder: Path, readme: Path | None, only: tuple[str, ...]) -> None:
    """Take the pictures and put them into FOLDER."""
    console = Console()
    wanted = [shot for shot in SHOTS if not only or shot.name in only]
    with tempfile.TemporaryDirectory() as place, launched() as browser, ExitStack() as stack:
        sites = {index: stack.enter_context(_site(index, Path(place))) for index in Index}
        with console.status("An index is made ..."):
            server = sites[Index.FULL].server
            made = fill(server, Path(place) / "distributions")
            kept = {
                (index, person): _log_in(browser, sites[index], person)
                for index, person in {(shot.index, shot.person) for shot in wanted}
            }
        for scheme, width in itertools.product(SCHEMES, WIDTHS):
            shots = track(wanted, f"{scheme}, {width} wide", console=console)
            Camera(browser, sites, kept, made, scheme, width).take(shots, folder)
        if readme is not None:
            shown = [shot for shot in wanted if shot.in_readme]
            for scheme in SCHEMES:
                camera = Camera(browser, sites, kept, made, scheme, README_WIDTH)
                camera.take(shown, readme, whole=False)
            small = Camera(browser, sites, kept, made, "light", DOCS_WIDTH, DOCS_HEIGHT)
            small.take([shot for shot in wanted if shot.in_docs], readme, whole=False)
    console.print(f"The pictures are in {folder}.")


@contextmanager
def _site(index: Index, place: Path) -> Iterator[Inside]:
    with (
        serving(
            place / index.value,
            name="localhost",
            set_up=index is not Index.NEW,
            # Nobody listens there; pages are as if somebody did.
            PACKSLIP_SMTP_URL="smtp://packslip@127.0.0.1:9",
            **(_SSO if index is Index.EMPTY else {}),
        ) as server,
        inside(server) as within,
    ):
        yield within


def _log_in(browser: Browser, site: Inside, person: str) -> Any:
    """What the person's browser keeps, whatever its window."""
    with browser.new_context() as context:
        if person:
            site.log_in(context, person, USER_AGENT)
        return context.storage_state()


@dataclass(frozen=True)
class Camera:
    """A browser before running indexes, with a screen of some width."""

    browser: Browser
    sites: Mapping[Index, Inside]
    #: What each person's browser keeps.
    kept: Mapping[tuple[Index, str], Any]
    #: What stands in braces in addresses.
    made: Mapping[str, object]
    scheme: str
    width: int
    height: int = HEIGHT

    def take(self, shots: Iterable[Shot], folder: Path, *, whole: bool = True) -> None:
        """Put a picture of each page, or of what a screen has of it, into the folder."""
        pages: dict[tuple[Index, str], Page] = {}
        for shot in shots:
            who = (shot.index, shot.person)
            if shot.steps is not None or who not in pages:
                # What is done on a page may leave its person elsewhere.
                self._close(pages.pop(who, None))
                pages[who] = self._open(*who)
            page = pages[who]
            page.goto(shot.path.format_map(self.made), wait_until="networkidle")
            if shot.steps is not None:
                shot.steps(page)
            width = f"-{self.width}" if whole else ""
            path = folder / f"{shot.name}-{self.scheme}{width}.png"
            page.screenshot(path=path, full_page=whole)
            if shot.steps is not None:
                self._close(pages.pop(who))
        for page in pages.values():
            self._close(page)

    def _open(self, index: Index, person: str) -> Page:
        context = self.browser.new_context(
            base_url=self.sites[index].server.url,
            color_scheme="dark" if self.scheme == "dark" else "light",
            viewport={"width": self.width, "height": self.height},
            reduced_motion="reduce",
            storage_state=self.kept[index, person],
        )
        return context.new_page()

    @staticmethod
    def _close(page: Page | None) -> None:
        if page is not None:
            page.context.close()


if __name__ == "__main__":
    main()
