"""The shipped sample reviews are what the README says, and go through an import."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from core import locations
from core.files.importing import Choice, import_file, inspect
from core.storage import browse
from tests.conftest import MakeProject

COLUMNS = ["id", "date", "product", "stars", "text", "sentiment"]


@pytest.fixture
def rows() -> list[dict[str, str]]:
    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_it_is_found_in_a_checkout() -> None:
    assert locations.sample_reviews() == Path(__file__).parents[1] / "data" / "reviews.csv"


def test_every_row_is_complete(rows: list[dict[str, str]]) -> None:
    assert len(rows) >= 500
    for row in rows:
        assert list(row) == COLUMNS
        assert row["text"].strip(), row["id"]
        assert row["product"].strip(), row["id"]
        assert row["stars"] in "12345", row["id"]
        assert row["sentiment"] in ("positive", "negative"), row["id"]
        date.fromisoformat(row["date"])
    assert len({row["id"] for row in rows}) == len(rows)


def test_there_is_something_to_learn_and_it_is_not_only_the_stars(rows: list[dict[str, str]]) -> None:
    by_label = Counter(row["sentiment"] for row in rows)
    assert min(by_label.values()) > len(rows) / 4
    mixed = Counter((row["stars"], row["sentiment"]) for row in rows)
    assert any(mixed[stars, "positive"] and mixed[stars, "negative"] for stars in "12345")


def test_an_import_recognises_its_columns_and_duplicates(project: MakeProject, rows: list[dict[str, str]]) -> None:
    database = project()
    choice = Choice(locations.sample_reviews(), label_column="sentiment")
    report = import_file(database, choice, "ann")
    assert (report.text_column, report.id_column, report.columns) == ("text", "id", COLUMNS)
    assert report.rows == report.labelled == len(rows)
    assert report.duplicate_texts == len(rows) - len({row["text"] for row in rows})
    assert (report.duplicate_ids, report.empty_texts, report.new_labels) == (0, 0, [])
    assert report.label_counts == Counter(row["sentiment"] for row in rows)
    with database.reading() as session:
        counted = browse.counts(session)
        assert (counted.reviews, counted.labelled) == (len(rows), len(rows))
        assert browse.find_by_name(session, rows[6]["id"]) == 7


def test_importing_it_again_under_another_name_brings_only_what_is_new(
    project: MakeProject, tmp_path: Path, rows: list[dict[str, str]]
) -> None:
    database = project()
    import_file(database, Choice(locations.sample_reviews()), "ann")
    changed = tmp_path / "again.csv"
    changed.write_bytes(
        locations.sample_reviews().read_bytes() + b"R9999,2025-01-01,lamp,3,An entirely new one.,positive\n"
    )
    _, report = inspect(database, Choice(changed))
    assert report.rows == len(rows) + 1
    assert (report.known, report.new) == (len(rows), 1)
