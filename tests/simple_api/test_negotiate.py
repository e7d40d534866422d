from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.errors import NotAcceptableError
from packslip.simple_api.negotiate import Form, NoAcceptableFormError, negotiate

V1_JSON = "application/vnd.pypi.simple.v1+json"
V1_HTML = "application/vnd.pypi.simple.v1+html"
LATEST_JSON = "application/vnd.pypi.simple.latest+json"
LATEST_HTML = "application/vnd.pypi.simple.latest+html"

PIP = f"{V1_JSON}, {V1_HTML}; q=0.1, text/html; q=0.01"
UV = f"{V1_JSON}, {V1_HTML};q=0.2, text/html;q=0.01"
POETRY = f"{V1_JSON}, */*;q=0.1"
PYPI_SIMPLE = f"{V1_JSON}, {V1_HTML}, text/html;q=0.01"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"


@pytest.mark.parametrize("accept", [PIP, UV, POETRY, PYPI_SIMPLE])
def test_an_installer_gets_json(accept: str) -> None:
    assert negotiate(accept) is Form.JSON


@pytest.mark.parametrize("accept", [None, "", " , ", "*/*", "*", "*/*;q=0.3", FIREFOX, JAVA])
def test_a_client_without_a_preference_gets_text_html(accept: str | None) -> None:
    assert negotiate(accept) is Form.LEGACY_HTML


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (f"text/html, {V1_HTML}, {V1_JSON}", Form.JSON),
        (f"text/html, {V1_HTML}", Form.HTML),
        (f"text/html;q=0.5, {V1_HTML};q=0.5, {V1_JSON};q=0.4", Form.HTML),
        (f"{V1_JSON}, */*", Form.JSON),
        ("application/*, text/*", Form.JSON),
        ("application/*", Form.JSON),
        ("text/*", Form.LEGACY_HTML),
        ("text/*;q=0.2, application/*;q=0.1", Form.LEGACY_HTML),
        ("application/*, */*", Form.JSON),
    ],
)
def test_on_a_tie_json_comes_first_and_text_html_last(accept: str, form: Form) -> None:
    assert negotiate(accept) is form


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/html, */*", Form.LEGACY_HTML),
        ("*/*, text/html", Form.LEGACY_HTML),
        (f"{V1_HTML}, */*", Form.HTML),
        ("application/json, */*;q=0.5", Form.LEGACY_HTML),
    ],
)
def test_a_named_type_comes_before_one_that_a_wildcard_covers(accept: str, form: Form) -> None:
    assert negotiate(accept) is form


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (f"*/*, {V1_JSON};q=0.1", Form.LEGACY_HTML),
        ("*/*, text/html;q=0.5", Form.JSON),
        (f"application/*;q=0.9, {V1_JSON};q=0.1, text/html;q=0.5", Form.HTML),
        (f"*/*, text/html;q=0, {V1_JSON};q=0", Form.HTML),
    ],
)
def test_the_closest_range_gives_the_quality(accept: str, form: Form) -> None:
    assert negotiate(accept) is form


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "image/*",
        "application/vnd.pypi.simple.v2+json",
        f"{V1_JSON};q=0",
        "*/*;q=0",
        "*/*;q=0.000",
        f"*/*, application/*;q=0, {V1_JSON}; Q=0, text/html;q=0.0",
        "nonsense",
        "text/html;q=high",
        "text/html;q=2",
        "text/html;q=-1",
        "text/html;q=nan",
        "text/html;q=",
    ],
)
def test_what_is_not_offered_is_not_acceptable(accept: str) -> None:
    with pytest.raises(NoAcceptableFormError) as caught:
        negotiate(accept)
    assert isinstance(caught.value, NotAcceptableError)
    assert V1_JSON in caught.value.reason
    assert caught.value.offered == (V1_JSON, V1_HTML, "text/html")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (LATEST_JSON, Form.JSON),
        (LATEST_HTML, Form.HTML),
        (f"{LATEST_JSON};q=0.1, text/html;q=0.2", Form.LEGACY_HTML),
        (f"{LATEST_JSON};q=0.3, {V1_JSON};q=0.1, text/html;q=0.2", Form.JSON),
    ],
)
def test_latest_means_the_present_version(accept: str, form: Form) -> None:
    assert negotiate(accept) is form


@pytest.mark.parametrize(
    "accept",
    [V1_JSON.upper(), f"{V1_JSON} ; Q=1.000", f"{V1_JSON};charset=utf-8", f"\t{V1_JSON} ,,"],
)
def test_case_space_and_other_parameters_do_not_matter(accept: str) -> None:
    assert negotiate(accept) is Form.JSON


@pytest.mark.parametrize(
    ("requested", "form"),
    [
        (V1_JSON, Form.JSON),
        (V1_HTML, Form.HTML),
        ("text/html", Form.LEGACY_HTML),
        (LATEST_JSON, Form.JSON),
        (LATEST_HTML, Form.HTML),
        (V1_JSON.replace("+", " "), Form.JSON),
    ],
)
@pytest.mark.parametrize("accept", [None, PIP, "text/html", "application/json"])
def test_the_requested_format_overrides_the_header(
    accept: str | None, requested: str, form: Form
) -> None:
    assert negotiate(accept, requested) is form


@pytest.mark.parametrize("requested", ["", "json", "*/*", "application/json", f"{V1_JSON};q=1"])
def test_an_unknown_requested_format_is_not_acceptable(requested: str) -> None:
    with pytest.raises(NoAcceptableFormError):
        negotiate(PIP, requested)


qualities = st.integers(0, 1000).map(lambda n: n / 1000)


@given(st.permutations(list(Form)), qualities, qualities, qualities)
def test_the_highest_quality_wins_whatever_the_order(
    order: list[Form], json: float, html: float, legacy: float
) -> None:
    weights = {Form.JSON: json, Form.HTML: html, Form.LEGACY_HTML: legacy}
    accept = ", ".join(f"{form};q={weights[form]:.3f}" for form in order)
    if max(weights.values()) == 0:
        with pytest.raises(NoAcceptableFormError):
            negotiate(accept)
    else:
        assert negotiate(accept) is max(Form, key=lambda form: weights[form])


ranges = st.sampled_from(
    [*Form, LATEST_JSON, LATEST_HTML, "*/*", "application/*", "text/*", "application/json"]
)


@given(st.lists(st.tuples(ranges, qualities)))
def test_the_answer_is_never_a_form_that_the_client_excludes(
    items: list[tuple[str, float]],
) -> None:
    accept = ",".join(f"{media_range};q={quality:.3f}" for media_range, quality in items)
    try:
        form = negotiate(accept)
    except NoAcceptableFormError:
        return
    of_its_own = [quality for media_range, quality in items if media_range == form]
    assert not of_its_own or max(of_its_own) > 0 or "latest" in accept


@given(st.text())
def test_no_header_makes_it_fail_otherwise(accept: str) -> None:
    for requested in (None, accept):
        with suppress(NoAcceptableFormError):
            assert negotiate(accept, requested) in Form
