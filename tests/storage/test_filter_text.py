"""A filter is a line of text: what is typed is understood or refused with a sentence, and nothing is lost."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import FilterError
from core.storage import runs
from core.storage.filter_text import Names, names_of, parse, to_text
from core.storage.filters import Filter, Order, State
from core.storage.tables import Origin
from tests.conftest import MakeProject

from .corpus import suggest

NAMES = Names({"positive": 1, "negative": 2, "so so": 3}, {"reviews.csv": 1, "more reviews.csv": 2}, (1, 3, 7))

WORD = st.text(string.ascii_lowercase, min_size=1, max_size=6).filter(lambda word: word != "flagged")
WORDS = st.lists(
    st.one_of(WORD, WORD.map(lambda word: f"{word}*"), WORD.map(lambda word: f'"{word} {word}"'), st.just("NOT")),
    max_size=4,
).map(" ".join)
SHARE = st.none() | st.floats(0, 1)
DATE = st.none() | st.sampled_from(["2024", "2024-02", "2024-02-29", "2024-02-29T12:30"])
FILTERS = st.builds(
    Filter,
    state=st.sampled_from(State),
    label_id=st.sampled_from([None, 1, 2, 3]),
    words=WORDS,
    order=st.sampled_from(Order),
    source_id=st.sampled_from([None, 1, 2]),
    origin=st.sampled_from([None, *Origin]),
    suggested_id=st.sampled_from([None, 1, 2, 3]),
    at_least=SHARE,
    at_most=SHARE,
    since=DATE,
    until=DATE,
    audit=st.sampled_from([None, True, False]),
    flipped=st.sampled_from([None, (3, 7), (7, 1)]),
)


@given(FILTERS)
def test_a_filter_written_down_and_read_again_is_the_same(wanted: Filter) -> None:
    assert parse(to_text(wanted, NAMES), NAMES) == wanted


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_filter_or_a_sentence(typed: str) -> None:
    try:
        wanted = parse(typed, NAMES)
    except FilterError:
        return
    assert parse(to_text(wanted, NAMES), NAMES) == wanted


def test_the_example_of_the_help_is_understood() -> None:
    typed = (
        "state:labelled label:positive suggested:negative p>=0.9 from:2024-01-01 origin:person "
        'source:"more reviews.csv" audit:yes flipped:3-7 order:sure "a phrase" begin* -word'
    )
    assert parse(typed, NAMES) == Filter(
        State.LABELLED,
        1,
        '"a phrase" begin* -word',
        Order.SURE,
        source_id=2,
        origin=Origin.PERSON,
        suggested_id=2,
        at_least=0.9,
        since="2024-01-01",
        audit=True,
        flipped=(3, 7),
    )
    assert parse("flagged", NAMES) == Filter(State.FLAGGED)


@pytest.mark.parametrize(
    ("typed", "named", "offered"),
    [
        ("colour:red", "“colour:”", "state:, label:"),
        ("state:done", "“done”", "labelled"),
        ("label:neutral", "“neutral”", "positive, negative, so so"),
        ("source:x.csv", "“x.csv”", "reviews.csv"),
        ("p>=2", "“2”", "0 to 1"),
        ("p<=x", "“x”", "0 to 1"),
        ("from:yesterday", "“from:yesterday”", "2024-01-31"),
        ("audit:perhaps", "“audit:perhaps”", "audit:yes"),
        ("flipped:3", "“flipped:3”", "flipped:3-7"),
        ("flipped:3-8", "run 8", "1, 3, 7"),
        ("flipped:3-3", "“flipped:3-3”", "flipped:3-7"),
        ("order:size", "“size”", "unsure"),
    ],
)
def test_what_is_not_understood_is_named_with_what_there_is(typed: str, named: str, offered: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse(f"fine {typed}", NAMES)
    assert named in str(refused.value)
    assert offered in str(refused.value)


def test_runs_without_suggestions_are_not_offered(project: MakeProject) -> None:
    database = project(reviews=["one", "two"])
    with database.writing() as session:
        first = runs.start(session, "tiny", {}, [1, 2])
        suggest(session, first, {1: (0.9, 0.1), 2: (0.2, 0.8)})
        runs.start(session, "tiny", {}, [1, 2])
    with database.reading() as session:
        assert list(names_of(session).runs) == [first]
