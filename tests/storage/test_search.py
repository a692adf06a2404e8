"""Search finds what a person means, and no query is ever an error."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.storage import browse
from core.storage.browse import Filter, State
from core.storage.database import Database
from tests.conftest import MakeProject

from .corpus import reviews

TEXTS = [
    "The delivery was late",
    "Delivered late, never again",
    "Crème brûlée was great",
    "not good at all",
    "good, not bad",
    "late delivery the second time",
    'C++ & AND OR (weird) "quoted" text:col * ^',
    "don't buy",
]


@pytest.fixture
def database(project: MakeProject) -> Database:
    return project(reviews=TEXTS)


def find(database: Database, words: str) -> list[int]:
    with database.reading() as session:
        found = browse.page(session, Filter(words=words), 0, 1000)
        assert browse.total(session, Filter(words=words)) == len(found)
    return found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("late", [1, 2, 6]),
        ("LATE delivery", [1, 6]),
        ('"late delivery"', [6]),
        ('"delivery was late"', [1]),
        ("deliver*", [1, 2, 6]),
        ("deliver", []),
        ("late NOT delivery", [2]),
        ("late -delivery", [2]),
        ("late -deliver*", []),
        ("-delivery late -again", []),
        ("-late", [3, 4, 5, 7, 8]),
        ("-late NOT good", [3, 7, 8]),
        ("NOT deliver*", [3, 4, 5, 7, 8]),
        ("-CRÈME", [1, 2, 4, 5, 6, 7, 8]),
        ('-"late delivery"', [1, 2, 3, 4, 5, 7, 8]),
        ("* -late", [3, 4, 5, 7, 8]),
        ("-", []),
        ("NOT", []),
        ('late NOT "late delivery"', [1, 2]),
        ('late -"late delivery"', [1, 2]),
        ("good NOT", [4, 5]),
        ("creme brulee", [3]),
        ("CRÈME", [3]),
        ("not good", [4, 5]),
        ('"not good"', [4]),
        ("don't", [8]),
        ("don’t", [8]),
        ("C++", [7]),
        ("AND", [7]),
        ("OR weird", [7]),
        ("NEAR", []),
        ("text:col", [7]),
        ('unclosed "late delivery', []),
        ('late "delivery', [1, 6]),
        ("*", []),
        ('""', []),
        ("()", []),
        ("   ", [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_what_is_found(database: Database, words: str, found: list[int]) -> None:
    assert find(database, words) == found


QUERIES = st.one_of(
    st.text(),
    st.text(alphabet="abc\"*-+^:(){}NOTANDEAR \x00'’%_,"),
    st.lists(
        st.sampled_from(["NOT", "AND", "OR", "NEAR(", '"', "*", "-", "^late", "late*", "text:", '-"', '""', "\x00"])
    ).map(" ".join),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=QUERIES)
@example(words="\ud800")
@example(words="a" * 20_000)
@example(words='"' * 999)
@example(words=" ".join(f"w{number}*" for number in range(300)))
@example(words=" ".join(f"-w{number}" for number in range(300)) + " late")
def test_no_query_is_an_error(database: Database, words: str) -> None:
    assert set(find(database, words)) <= set(range(1, len(TEXTS) + 1))


def plain(text: str) -> list[str]:
    """Words without accents and case, as a person would compare them."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return re.findall(r"\w+", bare)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=st.lists(
        st.sampled_from(["delivery", "late", "CREME", "brulee", "great", "not", "phone", "批評"]),
        max_size=2,
    ),
    unwanted=st.lists(st.sampled_from(["late", "great", "delivered", "phone"]), max_size=2),
)
def test_search_agrees_with_looking_through_all_texts(
    project: MakeProject, wanted: list[str], unwanted: list[str]
) -> None:
    corpus = reviews(150)
    database = _shared(project, corpus)
    words = " ".join([*wanted, *(f"-{word}" for word in unwanted)])
    expected = [
        number
        for number, text in enumerate(corpus, start=1)
        if all(plain(word)[0] in plain(text) for word in wanted) and not any(word in plain(text) for word in unwanted)
    ]
    assert find(database, words) == expected


_made: dict[int, Database] = {}


def _shared(project: MakeProject, corpus: list[str]) -> Database:
    """One project for all examples of a property."""
    key = id(project)
    if key not in _made:
        _made.clear()
        _made[key] = project(reviews=corpus, name="corpus.db")
    return _made[key]


def test_search_narrows_what_the_filter_leaves(database: Database) -> None:
    with database.reading() as session:
        assert browse.page(session, Filter(State.LABELLED, words="late"), 0, 10) == []
        assert browse.page(session, Filter(State.OPEN, words="late"), 0, 10) == [1, 2, 6]
        assert browse.page(session, Filter(State.OPEN, words="-late"), 0, 10) == [3, 4, 5, 7, 8]
