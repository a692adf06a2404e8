"""Features outlive the process that computed them, and what is damaged is computed anew."""

from __future__ import annotations

import errno
import logging
import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.storage.feature_cache import ENTRY, HEADER, FeatureCache, key_of

DIMENSIONS = 6


def digests(*numbers: int) -> list[bytes]:
    return [bytes([number]) * 16 for number in numbers]


def rows(*numbers: int) -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    return np.array([[number + at / 8 for at in range(DIMENSIONS)] for number in numbers], dtype=np.float16)


def opened(folder: Path, key: str = "a", most: int = 100) -> FeatureCache:
    return FeatureCache(folder / "features", key, DIMENSIONS, most)


def kept(folder: Path, most: int = 100) -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    """What a later session finds."""
    with closing(opened(folder, most=most)) as cache:
        return np.array(cache.features)


def filled(folder: Path, *numbers: int) -> None:
    cache = opened(folder)
    cache.add(digests(*numbers), rows(*numbers))
    cache.close()


def test_rows_are_found_by_their_text_in_a_later_session(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    cache.add(digests(1, 2), rows(1, 2))
    cache.add(digests(2, 3), rows(9, 3))
    assert len(cache) == 3, "a text that is known keeps its row"
    cache.close()
    again = opened(tmp_path)
    assert again.places(digests(3, 7, 1)).tolist() == [2, -1, 0]
    assert np.array_equal(again.features, rows(1, 2, 3))
    again.add(digests(4), rows(4))
    assert np.array_equal(again.features[again.places(digests(4))], rows(4))
    assert again.problem == ""
    again.close()
    folder = tmp_path / "features"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_view_of_the_features_stays_as_it_is_while_rows_are_added(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    cache.add(digests(1), rows(1))
    view = cache.features
    for number in range(2, 60):
        cache.add(digests(number), rows(number))
    assert np.array_equal(view, rows(1))
    assert len(cache.features) == 59
    cache.close()


def test_a_damaged_row_costs_itself_and_those_after_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    filled(tmp_path, 1, 2, 3)
    with (tmp_path / "features" / "a.rows").open("r+b") as file:
        file.seek(2 * DIMENSIONS + 1)
        file.write(b"\xff")
    with caplog.at_level(logging.WARNING):
        cache = opened(tmp_path)
    assert "damaged in row 1" in caplog.text
    assert cache.places(digests(1, 2, 3)).tolist() == [0, -1, -1]
    cache.add(digests(3), rows(3))
    cache.close()
    assert np.array_equal(kept(tmp_path), rows(1, 3))


@pytest.mark.parametrize("content", [b"", b"llfeat0\n", b"\x00" * 500, HEADER.pack(b"llfeat1\n", 99)])
def test_an_index_that_is_none_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    filled(tmp_path, 1, 2, 3)
    (tmp_path / "features" / "a.index").write_bytes(content)
    cache = opened(tmp_path)
    assert len(cache) == 0
    cache.add(digests(5), rows(5))
    cache.close()
    assert np.array_equal(kept(tmp_path), rows(5))


@given(cut=st.integers(0, 3 * ENTRY.size), rest=st.integers(0, 3 * 2 * DIMENSIONS))
def test_a_crash_leaves_whole_rows_only(tmp_path_factory: pytest.TempPathFactory, cut: int, rest: int) -> None:
    """Both files end anywhere: rows may be there that the index does not know, and the other way about."""
    folder = tmp_path_factory.mktemp("crash")
    filled(folder, 1, 2, 3)
    os.truncate(folder / "features" / "a.index", HEADER.size + cut)
    os.truncate(folder / "features" / "a.rows", rest)
    cache = opened(folder)
    whole = min(cut // ENTRY.size, rest // (2 * DIMENSIONS))
    assert np.array_equal(cache.features, rows(1, 2, 3)[:whole])
    cache.add(digests(8), rows(8))
    cache.close()
    again = opened(folder)
    assert np.array_equal(again.features, rows(*[1, 2, 3][:whole], 8))
    again.close()


def test_features_of_another_base_model_are_deleted(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    opened(tmp_path, key="b").close()
    assert sorted(path.name for path in (tmp_path / "features").iterdir()) == ["b.index", "b.rows"]
    assert key_of("x", "layers 3 to 6") != key_of("x", "layers 2 to 6") != key_of("y", "layers 2 to 6")


def test_a_file_far_beyond_its_bound_is_begun_anew(tmp_path: Path) -> None:
    cache = opened(tmp_path)
    names = [number.to_bytes(16, "big") for number in range(1_600)]
    cache.add(names, np.ones((len(names), DIMENSIONS), dtype=np.float16))
    cache.close()
    assert len(kept(tmp_path, most=1_200)) == 1_600
    assert len(kept(tmp_path, most=1_000)) == 0


def test_a_full_disk_sends_the_rows_to_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = opened(tmp_path)
    cache.add(digests(1, 2), rows(1, 2))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    cache.add(digests(3), rows(3))
    assert "No space left" in cache.problem
    cache.add(digests(*range(4, 200)), rows(*range(4, 200)))
    assert np.array_equal(cache.features, rows(*range(1, 200)))
    cache.close()
    monkeypatch.undo()
    assert np.array_equal(kept(tmp_path), rows(1, 2))


def test_where_no_folder_can_be_made_rows_are_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "features").write_text("in the way")
    cache = opened(tmp_path)
    assert "cannot be kept" in cache.problem
    cache.add(digests(1, 2), rows(1, 2))
    assert np.array_equal(cache.features[cache.places(digests(2))], rows(2))
    cache.close()
