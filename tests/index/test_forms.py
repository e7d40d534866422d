from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.forms import BOUNDARY, FORM_TYPE, encode_form, file_part, text_part

from packslip.errors import InvalidError
from packslip.index import forms
from packslip.index.forms import (
    FieldError,
    Form,
    FormTooLargeError,
    MalformedFormError,
    NoFormError,
    read_form,
)
from packslip.web.bodies import TruncatedBodyError


def read(body: bytes | Iterable[bytes], content_type: str = FORM_TYPE) -> tuple[Form, bytes]:
    written = bytearray()
    form = read_form(
        [body] if isinstance(body, bytes) else body,
        content_type,
        texts=frozenset({"name", "version"}),
        file_field="content",
        write=written.extend,
        ignored_files=frozenset({"gpg_signature"}),
    )
    return form, bytes(written)


def cut(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    ends = [0, *sorted(cuts), len(body)]
    return [body[start:end] for start, end in pairwise(ends) if start < end]


#: Bytes that look like what stands around a file.
near_misses = st.lists(
    st.sampled_from([b"\r\n--", b"--", b"\r", b"\n", b"\r\n", BOUNDARY.encode()[:-1], b"x", b"\0"])
).map(b"".join)


@given(content=near_misses | st.binary(), data=st.data())
def test_a_file_is_read_whole_however_its_body_is_cut(content: bytes, data: st.DataObject) -> None:
    body = encode_form(text_part("name", "demo"), file_part(content), text_part("version", "1.0"))
    cuts = data.draw(st.lists(st.integers(0, len(body))))
    form, written = read(cut(body, cuts))
    assert written == content
    assert form.filename == "demo-1.0.tar.gz"
    assert form.texts == {"name": ["demo"], "version": ["1.0"]}


def test_a_file_is_read_whole_whichever_byte_ends_a_block() -> None:
    body = encode_form(text_part("name", "demo"), file_part(b"PK\r\n\x03\r"))
    for at in range(len(body)):
        assert read(cut(body, [at]))[1] == b"PK\r\n\x03\r"
        assert read(cut(body, [at, at + 1]))[1] == b"PK\r\n\x03\r"
    assert read(bytes([byte]) for byte in body)[1] == b"PK\r\n\x03\r"


def test_a_body_that_ends_before_its_closing_boundary_is_refused() -> None:
    body = encode_form(text_part("name", "demo"), file_part(b"some bytes"))
    closed = body.rindex(b"--") + 2
    for end in range(closed):
        with pytest.raises(TruncatedBodyError):
            read(cut(body[:end], []))
    for end in range(closed, len(body) + 1):
        assert read(body[:end])[1] == b"some bytes"


@given(st.binary(max_size=500))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(InvalidError):
        read(body)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_headers_of_a_part_are_read_or_refused(header: bytes, value: bytes) -> None:
    with suppress(InvalidError):
        read(encode_form(header + b"\r\n\r\n" + value))


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=a",
        f"multipart/form-data; boundary={'a' * 201}",
        'multipart/form-data; boundary="ä"',
        'multipart/form-data; boundary="a\nb"',
    ],
)
def test_other_content_types_are_refused(content_type: str) -> None:
    with pytest.raises(NoFormError):
        read(encode_form(file_part(b"")), content_type)


def test_a_boundary_may_be_quoted_and_the_type_in_capitals() -> None:
    content_type = f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"'
    assert read(encode_form(file_part(b"bytes")), content_type)[1] == b"bytes"


def test_empty_texts_read_as_absent_and_are_counted() -> None:
    form, _ = read(
        encode_form(text_part("name", ""), text_part("version", "1.0"), text_part("version", "1.0"))
    )
    assert form.texts == {"version": ["1.0", "1.0"]}
    assert form.counts == {"name": 1, "version": 2}


def test_other_fields_are_left_out() -> None:
    form, _ = read(
        encode_form(text_part("description", "Long."), text_part("name", "demo"), file_part(b""))
    )
    assert form == Form(
        texts={"name": ["demo"]}, counts={"description": 1, "name": 1}, filename="demo-1.0.tar.gz"
    )


def test_a_signature_is_dropped() -> None:
    body = encode_form(
        file_part(b"bytes"), file_part(b"\0signature", "gpg_signature", "demo-1.0.tar.gz.asc")
    )
    assert read(body)[1] == b"bytes"


def test_a_text_that_was_sent_as_a_file_is_refused() -> None:
    with pytest.raises(FieldError, match="The field 'summary' is a text, and was sent as a file"):
        read(encode_form(file_part(b"", "summary")))


def test_a_file_that_was_sent_as_a_text_is_refused() -> None:
    with pytest.raises(FieldError, match="The field 'content' must be a file with a name"):
        read(encode_form(text_part("content", "bytes")))
    with pytest.raises(FieldError, match="The field 'content' must be a file with a name"):
        read(encode_form(file_part(b"bytes", filename="")))


def test_a_second_file_is_refused() -> None:
    with pytest.raises(FieldError, match="The field 'content' was given twice"):
        read(encode_form(file_part(b"bytes"), file_part(b"bytes")))


def test_nul_characters_are_refused_in_each_text() -> None:
    for field in ("name", "summary"):
        with pytest.raises(FieldError, match=f"The field '{field}' holds a NUL"):
            read(encode_form(text_part(field, "a\0b")))


def test_a_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(FieldError, match="The field 'name' is not UTF-8"):
        read(encode_form(text_part("name", b"\xe4")))


def test_a_part_without_a_name_is_refused() -> None:
    with pytest.raises(MalformedFormError):
        read(encode_form(b"Content-Type: text/plain\r\n\r\nvalue"))


def test_a_name_that_is_no_ascii_is_shown_as_one_line() -> None:
    with pytest.raises(FieldError, match=r"The field '\\xe4\\r\\n\.*x") as caught:
        read(encode_form(file_part(b"", "ä%0D%0A.x")))
    assert caught.value.reason.isascii()


def test_the_length_of_a_text_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "LONGEST_TEXT", 1000)
    monkeypatch.setattr(forms, "MOST_TEXT", 1500)
    read(encode_form(text_part("description", "a" * 1000)))
    with pytest.raises(FormTooLargeError, match="'description' is longer than 1000 bytes"):
        read(encode_form(text_part("description", "a" * 1001)))
    with pytest.raises(FormTooLargeError, match="texts have more than 1500 bytes"):
        read(encode_form(text_part("description", "a" * 1000), text_part("license", "a" * 501)))


def test_the_number_of_parts_is_bounded() -> None:
    part = text_part("classifiers", "a")
    read(encode_form(*[part] * forms.MOST_PARTS))
    with pytest.raises(FormTooLargeError, match="more than 4000 parts"):
        read(encode_form(*[part] * (forms.MOST_PARTS + 1)))


def test_the_headers_of_a_part_are_bounded() -> None:
    with pytest.raises(FormTooLargeError):
        read(encode_form(b"X-Long: " + b"a" * 5000 + b"\r\n\r\n"))
    with pytest.raises(FormTooLargeError):
        read(encode_form(b"X: a\r\n" * 50 + b"\r\n"))
    with pytest.raises(FormTooLargeError):
        read([b"--0a1b2c3d\r\n"] + [b"a" * 1000] * 100)


def test_what_stands_before_the_first_boundary_is_not_kept() -> None:
    # Broken off at its first byte, or passed over: it may be as long as the body.
    with pytest.raises(TruncatedBodyError):
        read([b"x" * 1000] * 1000)
