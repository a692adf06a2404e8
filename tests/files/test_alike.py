"""Near-duplicates are found, nothing else is, and what is grouped is labelled as one."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from core import locations
from core.files.alike import Alike, similarity
from core.files.importing import Choice, Report, import_file, inspect
from core.storage import journal
from core.storage.database import Database
from core.storage.tables import Review
from tests.conftest import MakeProject, write_csv

LONG = "Great little kettle, works perfectly, and my wife loves the colour. It boils a litre in two minutes."
NEARLY = "Great little kettle, works perfectly, and my wife loves the colour! It boils a litre in three minutes."
CHINESE = "这个电热水壶非常好用，烧水速度很快，外观也很漂亮，我的家人都很喜欢它，推荐大家购买。"
WORDS = st.sampled_from(["kettle", "boils", "never", "again", "不好", "👍", "Crème", "10", "great", "it's"])


def groups(database: Database) -> list[int]:
    """Group ids by review."""
    with database.reading() as session:
        return list(session.exec(select(Review.group_id).order_by(col(Review.id))))


def bring(database: Database, path: Path, texts: list[str], alike: float = 0.8) -> Report:
    """Import texts."""
    return import_file(database, Choice(write_csv(path, ["text"], [[one] for one in texts]), alike=alike), "ann")


def firsts(texts: list[str], threshold: float, folder: Path) -> list[int]:
    """The group of each text."""
    found = Alike(threshold, folder)
    try:
        for start in range(0, len(texts), 7):
            found.add(texts[start : start + 7])
        return [int(first) for first in found.firsts(0, np.zeros(len(texts), dtype=bool))]
    finally:
        found.close()


def test_the_near_duplicates_of_the_sample_are_found(tmp_path: Path) -> None:
    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    found = firsts(texts, 0.7, tmp_path)
    pairs = {(texts[first], texts[at]) for at, first in enumerate(found) if texts[first] != texts[at]}
    close = {
        (one, other)
        for at, one in enumerate(texts)
        for other in texts[at + 1 :]
        if one != other and abs(len(one) - len(other)) < 20 and one[:3] == other[:3] and similarity(one, other) >= 0.7
    }
    assert len(close) >= 8
    assert pairs == close
    assert all(rows[first]["sentiment"] == rows[at]["sentiment"] for at, first in enumerate(found))


@given(
    texts=st.lists(st.lists(WORDS, max_size=12).map(" ".join), max_size=30),
    threshold=st.sampled_from([0.5, 0.7, 0.8, 0.95]),
)
def test_what_is_grouped_is_that_similar_to_the_first_of_its_group(
    texts: list[str], threshold: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = firsts(texts, threshold, tmp_path_factory.getbasetemp())
    for at, first in enumerate(found):
        assert first <= at
        assert found[first] == first, "no chains"
        if first != at:
            assert similarity(texts[first], texts[at]) >= threshold


@given(text=st.text(min_size=1, max_size=200))
def test_any_text_can_be_compared_and_belongs_to_itself(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert firsts([text, "something else altogether", text], 0.8, tmp_path_factory.getbasetemp()) == [0, 1, 0]


def test_nearly_all_planted_copies_are_found_among_many(tmp_path: Path) -> None:
    draw = random.Random(4)
    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        words = [word for row in csv.DictReader(file) for word in row["text"].split()]
    texts = [" ".join(draw.choices(words, k=draw.randint(14, 60))) for _ in range(1_500)]
    copies = [text.replace(" the ", " that ", 1) + draw.choice(["", " Thanks.", "!!"]) for text in texts[:500]]
    wanted = [similarity(text, copy) >= 0.8 for text, copy in zip(texts[:500], copies, strict=True)]
    found = firsts(texts + copies, 0.8, tmp_path)
    hits = [found[1_500 + at] == at for at in range(500)]
    assert sum(wanted) > 400
    assert hits == [hit and want for hit, want in zip(hits, wanted, strict=True)]
    assert sum(hits) >= 0.97 * sum(wanted)
    assert found[:1_500] == list(range(1_500))


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("Not bad.", "not  BAD.", True),
        ("Not bad.", "Not bad!", False),
        ("So good", "So good so good", False),
        ("", " ", False),
        ("👍👍👍", "👍👍", False),
        ("👍 👍 👍 👍 love it", "👍 👍 👍 👍 hate it", False),
        (CHINESE, CHINESE.replace("。", "！"), True),
        (CHINESE, "我不喜欢这个水壶，买来两天就坏了，客服也不理人，太失望了。", False),
        (LONG, NEARLY, True),
    ],
)
def test_which_texts_go_together(one: str, other: str, together: bool, tmp_path: Path) -> None:
    assert firsts([one, other], 0.8, tmp_path) == [0, 0 if together else 1]


def test_the_report_tells_and_the_import_does_the_same(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    file = write_csv(tmp_path / "a.csv", ["text"], [[LONG], ["other"], [NEARLY], [NEARLY], [LONG], [LONG.upper()]])
    _, report = inspect(database, Choice(file))
    assert (report.alike_texts, report.duplicate_texts) == (2, 2)
    assert import_file(database, Choice(file), "ann") == report
    assert groups(database) == [1, 2, 1, 1, 1, 1]


def test_at_one_only_equal_texts_are_grouped(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    report = bring(database, tmp_path / "a.csv", [LONG, NEARLY, LONG, LONG.upper()], alike=1.0)
    assert report.alike_texts == 0
    assert groups(database) == [1, 2, 1, 4]


def test_a_group_is_in_the_audit_set_as_a_whole_or_not_at_all(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    texts = [f"{LONG} {number:05d} {number * 7919 % 100_000:05d} {'xyz'[number % 3] * 40}" for number in range(60)]
    bring(database, tmp_path / "a.csv", texts)
    bring(database, tmp_path / "b.csv", [text + "!" for text in texts])
    with database.reading() as session:
        reviews = {review.id: review for review in session.exec(select(Review))}
    assert sum(review.group_id != review.id for review in reviews.values()) > 60
    for review in reviews.values():
        first = reviews[review.group_id]
        assert first.group_id == first.id
        assert (review.audit, review.shuffle) == (first.audit, first.shuffle)
        assert similarity(review.text, first.text) >= 0.8


def test_a_later_import_joins_the_groups_there_are(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    bring(database, tmp_path / "a.csv", ["something", LONG, NEARLY])
    rows = [[text, "another file"] for text in (NEARLY, LONG + "!!", "new", LONG)]
    report = import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text", "source"], rows)), "ann")
    assert (report.alike_texts, report.already_there) == (1, 2)
    assert groups(database) == [1, 2, 2, 2, 2, 6, 2]


def test_an_undone_import_is_not_joined(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    bring(database, tmp_path / "a.csv", [LONG])
    with database.writing() as session:
        journal.undo(session)
    assert bring(database, tmp_path / "b.csv", [NEARLY, "x"]).alike_texts == 0
    assert groups(database) == [1, 2, 3]


def test_the_same_file_gives_the_same_groups(tmp_path: Path) -> None:
    draw = random.Random(2)
    texts = [" ".join(draw.choices(LONG.split(), k=12)) for _ in range(300)]
    assert firsts(texts, 0.6, tmp_path) == firsts(texts, 0.6, tmp_path)
    assert len(set(firsts(texts, 0.6, tmp_path))) < 300


def test_nothing_is_left_behind(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    bring(database, tmp_path / "a.csv", [LONG, NEARLY])
    database.close()
    assert {one.name for one in tmp_path.iterdir()} == {"a.csv", "reviews.db"}
