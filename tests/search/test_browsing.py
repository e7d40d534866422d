"""The addresses of licences and languages."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from packslip.search.browsing import Kind, address_of


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@example("C++")
@example("../a")
@example("//host")
@example("a?b=c#d;e&f%2F")
def test_an_address_leads_back_to_the_name(name: str) -> None:
    parts = urlsplit(address_of(Kind.LICENSES, name))
    assert (parts.scheme, parts.netloc, parts.fragment) == ("", "", "")
    if parts.query:
        assert (parts.path, parse_qs(parts.query)) == ("/browse/licenses/", {"id": [name]})
        return
    found = unquote(parts.path.removeprefix("/browse/licenses/").removesuffix("/"))
    assert found == name
    # Whatever walks the path leaves out none of its parts.
    assert not {"", ".", ".."} & set(found.split("/"))
