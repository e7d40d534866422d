from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.packages.search_words import MAX_WORDS, SearchWords, read_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Flask web", SearchWords(words=("flask", "web"), name="flask-web")),
        ("web web", SearchWords(words=("web",), name="web-web")),
        (
            'orm "data classes" -django',
            SearchWords(("orm",), (("data", "classes"),), (("django",),), "orm-data-classes"),
        ),
        ('-"machine learning"', SearchWords(without=(("machine", "learning"),))),
        ("flask-login", SearchWords(words=("flask", "login"), name="flask-login")),
        ("-flask-login", SearchWords(without=(("flask", "login"),))),
        ('"flask"', SearchWords(words=("flask",), name="flask")),
        ('"never closed', SearchWords(phrases=(("never", "closed"),), name="never-closed")),
        ("- -- -- -!", SearchWords()),
        ("name:flask AND NOT NEAR(x) x*", SearchWords(
            words=("name", "flask", "and", "not", "near", "x"), name="name-flask-and-not-near-x-x"
        )),
        ("", SearchWords()),
        ("😀 % _ \\ ' \0", SearchWords()),
    ],
)  # fmt: skip
def test_words_phrases_and_what_to_leave_out_are_understood(text: str, words: SearchWords) -> None:
    assert read_words(text) == words


def test_only_so_many_words_are_looked_for() -> None:
    found = read_words(" ".join(f"w{number}" for number in range(10_000)))
    assert found.words == tuple(f"w{number}" for number in range(MAX_WORDS))


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('"-* ():^')), max_size=200))
def test_whatever_is_typed_gives_letters_and_digits(text: str) -> None:
    found = read_words(text)
    runs = [found.words, *found.phrases, *found.without]
    assert all(word.isalnum() for run in runs for word in run)
    assert sum(map(len, runs)) <= MAX_WORDS
    assert all(runs[1:])
