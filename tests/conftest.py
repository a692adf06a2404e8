"""What all tests share: a home of their own, no network, projects on disk, and a tiny BERT."""

from __future__ import annotations

import csv
import itertools
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# As the worker does, and before torch is imported: waiting threads that spin make a small training ten times as long
# when several processes share the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage.database import Database, create

settings.register_profile(
    "labelloop",
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("labelloop")

MakeProject = Callable[..., Database]
"""Makes and opens a project: `project(labels, multi, reviews, name)`."""

GOOD = ["love", "great", "perfect", "happy", "excellent", "recommend"]
BAD = ["broken", "awful", "refund", "terrible", "useless", "disappointed"]
FILLER = ["the", "phone", "case", "battery", "arrived", "and", "is", "was", "it", "very", "today", "really"]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the developer's settings, logs or models, and none reaches the network.

    Projects that a test makes in its own process draw the same audit reviews every time: left to chance, one project
    in 808 of thirty reviews has none.
    """
    monkeypatch.setattr("core.storage.database.new_salt", itertools.count(7).__next__)
    monkeypatch.setenv("LABELLOOP_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[MakeProject]:
    """Makes projects in the test's folder, and closes them at the end."""
    opened: list[Database] = []

    def make(
        labels: Sequence[str] = ("positive", "negative"),
        multi: bool = False,
        reviews: Sequence[str] = (),
        name: str = "reviews.db",
    ) -> Database:
        kind = SchemeKind.MULTI if multi else SchemeKind.SINGLE
        database = create(tmp_path / name, kind, new_labels(labels))
        opened.append(database)
        if reviews:
            file = tmp_path / f"{name}.first.csv"
            write_csv(file, ["id", "text"], [(f"r{number}", text) for number, text in enumerate(reviews, 1)])
            import_file(database, Choice(file), "ann")
        return database

    yield make
    for database in opened:
        database.close()


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    """A CSV file as other programs write it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def learnable(count: int) -> list[tuple[str, str]]:
    """Texts with their label, which one word of each gives away; no two are near-duplicates."""
    draw = random.Random(0)
    pairs = []
    for number in range(count):
        label, words = ("positive", GOOD) if number % 2 else ("negative", BAD)
        filler = [FILLER[(number + step * step) % len(FILLER)] for step in range(1, 5)]
        own = "".join(draw.choices("bcdfghjklmnpqrstvwxz", k=16))
        pairs.append((f"{' '.join(filler)} {words[number // 2 % len(words)]} {own[:8]} {own[8:]} {number}", label))
    return pairs


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a BERT of random weights: hidden size 32, two layers, the words above as vocabulary."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-base")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, *FILLER]
    words += [*letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {word: index for index, word in enumerate(words)}
    BertTokenizerFast(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(words),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
        BertModel(config).save_pretrained(folder)
    return folder
