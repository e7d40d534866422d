from __future__ import annotations

import pytest
from tests.helpers.distributions import core_metadata

from packslip.packages.agreement import (
    DisagreementError,
    RepeatedFieldError,
    check_form,
    check_metadata,
)
from packslip.packages.filenames import InvalidFilenameError, parse_filename
from packslip.packages.metadata import CoreMetadata, parse_metadata


def metadata_of(name: str, version: str) -> CoreMetadata:
    return parse_metadata(core_metadata(name, version))


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("Foo.Bar-1.0.tar.gz", "foo_bar", "1.0.0"),
        ("foo_bar-1.0-py3-none-any.whl", "Foo-Bar", "1.0"),
        ("foo-1.0-beta1.tar.gz", "foo", "1.0b1"),
        ("foo-1.0+corp.1.tar.gz", "foo", "1.0+corp-1"),
    ],
)
def test_a_file_may_spell_what_it_holds_in_another_way(
    filename: str, name: str, version: str
) -> None:
    assert check_metadata(parse_filename(filename), metadata_of(name, version)).filename == filename


def test_the_metadata_decides_where_a_files_version_begins() -> None:
    name = parse_filename("foo-1-2.tar.gz")
    assert check_metadata(name, metadata_of("foo", "1.post2")).package == "foo"
    assert check_metadata(name, metadata_of("foo-1", "2")).package == "foo-1"


def test_a_file_of_another_package_is_refused() -> None:
    with pytest.raises(InvalidFilenameError, match="not named for bar"):
        check_metadata(parse_filename("foo-1.tar.gz"), metadata_of("bar", "1"))


def test_a_file_of_another_version_is_refused() -> None:
    with pytest.raises(DisagreementError, match=r"versions in file name and metadata.*1.*2"):
        check_metadata(parse_filename("foo-1.tar.gz"), metadata_of("foo", "2"))


def form_check(**fields: str | list[str]) -> None:
    form = {key: [value] if isinstance(value, str) else value for key, value in fields.items()}
    check_form(form, parse_filename("Foo.Bar-1.0.tar.gz"), metadata_of("Foo.Bar", "1.0"))


def test_forms_agree_in_any_spelling() -> None:
    form_check(name="foo-bar", version="1.0.0", filetype="sdist")
    form_check(name="FOO_BAR", version="v1", pyversion="cp27", summary="other", author=["a", "b"])


def test_empty_fields_count_as_absent() -> None:
    form_check()
    form_check(name="", version=" ", filetype="")
    form_check(name=["", "foo.bar"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "foo"), ("version", "1.1"), ("version", "banana"), ("filetype", "bdist_wheel")],
)
def test_forms_that_differ_are_refused(field: str, value: str) -> None:
    with pytest.raises(DisagreementError, match=value):
        form_check(**{field: value})


@pytest.mark.parametrize("field", ["name", "version", "filetype"])
def test_fields_given_twice_are_refused(field: str) -> None:
    with pytest.raises(RepeatedFieldError, match=field):
        form_check(**{field: ["foo.bar", "foo.bar"]})
