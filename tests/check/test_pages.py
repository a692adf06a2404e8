"""Damaged indexes, pages and files are found, and restored from the journal or the backups; the original is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core.check.examine import examine
from core.check.repair import repair
from core.errors import NotAProject, ProjectError
from core.storage import backups, browse, decisions
from core.storage.database import annotator_id, open_project
from core.storage.states import labelled
from tests.check.damage import COUNT, PAGE, change, decided, overwrite, texts


@pytest.mark.parametrize("index", ["review_by_shuffle", "annotation_by_decision", "change_by_subject"])
def test_a_damaged_index_is_made_anew(path: Path, index: str) -> None:
    before = decided(path)
    overwrite(path, index, leaf=False)
    assert "tables" in examine(path).damaged_parts()
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert done.lost == []
    assert decided(path) == before


def test_a_damaged_full_text_index_is_made_anew(path: Path) -> None:
    change(path, "DELETE FROM review_search_data WHERE id > 10")
    assert "search" in examine(path).damaged_parts()
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    database = open_project(path)
    with database.reading() as session:
        assert browse.page(session, browse.Filter(words="phone"), 0, 1_000)
    database.close()


@pytest.mark.parametrize("table", ["annotation", "annotation_label"])
@pytest.mark.parametrize("leaf", [True, False])
def test_damaged_pages_of_annotations_are_restored_from_the_journal(path: Path, table: str, leaf: bool) -> None:
    before = decided(path)
    if table == "annotation_label" and leaf:
        pytest.skip("it has one page")
    overwrite(path, table, leaf)
    assert not examine(path).is_whole
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    assert decided(path) == before
    assert done.lost == [], done.lost


@pytest.mark.parametrize("leaf", [True, False])
def test_damaged_pages_of_reviews_come_from_a_backup_and_later_labels_stay(path: Path, leaf: bool) -> None:
    assert backups.daily(path) is not None
    database = open_project(path)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "later", {5: labelled(person, [2])})
    database.close()
    before, said = decided(path), texts(path)
    overwrite(path, "review", leaf)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    assert texts(path) == said
    assert decided(path) == before
    assert done.lost == []
    assert any("review" in one and "backup" in one for one in done.restored)


def test_without_a_backup_what_is_lost_is_said(path: Path) -> None:
    before, said = decided(path), texts(path)
    overwrite(path, "review", leaf=True)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    left = texts(path)
    assert 0 < COUNT - len(left) < COUNT
    assert set(left) < set(said)
    assert any(f"{COUNT - len(left)} reviews of reviews.csv: import that file again" in one for one in done.lost)
    kept = decided(path)
    assert all(before[one] == state for one, state in kept.items())
    assert examine(path).is_whole, "and it is said once"


def test_lost_entries_of_the_journal_are_said_and_annotations_stay(path: Path) -> None:
    before = decided(path)
    overwrite(path, "change", leaf=True)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    assert any("of the journal, which cannot be undone" in one for one in done.lost)
    assert decided(path) == before


@pytest.mark.parametrize("spoil", ["header", "half", "empty"])
def test_a_file_of_which_little_is_left_is_restored_from_the_newest_backup(path: Path, spoil: str) -> None:
    before, said = decided(path), texts(path)
    assert backups.daily(path) is not None
    content = path.read_bytes()
    spoilt = {"header": b"\0" * PAGE + content[PAGE:], "half": content[: PAGE * 3], "empty": b""}[spoil]
    path.write_bytes(spoilt)
    assert not examine(path).is_whole
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert (decided(path), texts(path)) == (before, said)
    assert any("everything that was done after" in one for one in done.lost)
    assert done.aside is not None
    assert done.aside.read_bytes() == spoilt


def test_what_cannot_be_restored_is_left_as_it_was(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: PAGE * 2])
    before = sorted(os.listdir(path.parent))
    spoilt = path.read_bytes()
    with pytest.raises(ProjectError, match="cannot be restored") as caught:
        repair(path)
    assert "backups" in caught.value.remedy
    assert path.read_bytes() == spoilt
    assert sorted(os.listdir(path.parent)) == before
    path.write_bytes(b"no database at all")
    with pytest.raises(NotAProject):
        examine(path)


def test_a_text_that_is_not_the_imported_one_comes_from_a_backup(path: Path) -> None:
    said = texts(path)
    assert backups.daily(path) is not None
    change(path, "UPDATE review SET text = 'not what was written' WHERE id IN (3, 4)")
    report = examine(path)
    assert {"reviews", "search"} <= set(report.damaged_parts())
    assert "not what was written" not in json.dumps(report.to_json()), "no text is quoted"
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert texts(path) == said
