"""`labelloop predict`: every row and column comes out again, with what plain transformers says about the text."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.cli.conftest import BAD, FILLER, GOOD, Command

LABELS = ["bad", "good"]

ROWS = [
    ["r1", "I love it, great", "5", "=1+1"],
    ["r2", "broken and\nawful", "1", ""],
    ["r3", "the battery is terrible today", "2", 'say "no"'],
    ["r4", "I love it, great", "5", "again"],
    ["r5", "", "", "empty"],
    ["r6", "the phone " * 40, "3", "long"],
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Path:
    """A saved model that tells good words from bad ones."""
    from core.training.arguments import TrainingArguments
    from core.training.card import ModelCard
    from core.training.examples import TrainingSet
    from core.training.loop import fine_tune
    from core.training.saved import save

    texts = [f"{FILLER[n % 12]} {FILLER[n % 7]} {(GOOD if n % 2 else BAD)[n % 6]}" for n in range(60)]
    examples = TrainingSet(texts, [n % 2 for n in range(60)], [], [], LABELS)
    arguments = TrainingArguments(
        base_model=str(tiny_bert), epochs=25, learning_rate=3e-3, head_multiplier=1, freeze_embeddings=False,
        fewest_validation=1, max_length=24, precision="fp32",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "tells-good-from-bad"
    save(folder, fine_tune(examples, arguments, lambda _: None, lambda: False), ModelCard(date=date(2025, 1, 1)))
    return folder


@pytest.fixture(scope="module")
def said(model: Path) -> dict[str, dict[str, float]]:
    """What the pipeline of transformers says about each text, by label."""
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(model), top_k=None, truncation=True, max_length=24)
    texts = sorted({row[1] for row in ROWS})
    return {
        text: {one["label"]: one["score"] for one in found}
        for text, found in zip(texts, classify(texts), strict=True)
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "new.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text", "stars", "remark"], *ROWS])
    return path


def check(row: dict[str, Any], said: dict[str, dict[str, float]]) -> None:
    wanted = said[row["text"]]
    assert row["label"] == max(wanted, key=wanted.__getitem__)
    # bf16, where the processor has it, keeps three digits.
    assert float(row["probability"]) == pytest.approx(max(wanted.values()), abs=0.02)
    for label in LABELS:
        assert float(row[f"probability_{label}"]) == pytest.approx(wanted[label], abs=0.02)


def test_a_csv_file_keeps_its_columns_and_agrees_with_transformers(
    model: Path, source: Path, said: dict[str, dict[str, float]], labelloop: Command, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    told = labelloop("predict", model, source, out)
    assert told.exit_code == 0, told.output
    assert "Labelled 6 rows: bad " in told.stderr
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    own = ["id", "text", "stars", "remark"]
    assert list(rows[0]) == [*own, "label", "probability", "probability_bad", "probability_good"]
    assert [[row[name] for name in own] for row in rows] == ROWS
    for row in rows:
        check(row, said)
    assert {row["label"] for row in rows} == set(LABELS)
    assert not list(tmp_path.glob(".out*")), "no draft is left"


@pytest.mark.parametrize("suffix", ["tsv", "jsonl", "parquet"])
def test_what_one_format_gives_every_other_one_reads(
    model: Path, source: Path, said: dict[str, dict[str, float]], labelloop: Command, tmp_path: Path, suffix: str
) -> None:
    first, second = tmp_path / f"first.{suffix}", tmp_path / "second.jsonl"
    assert labelloop("predict", model, source, first).exit_code == 0
    again = labelloop("predict", model, first, second, "--text", "text")
    assert again.exit_code == 0, again.output
    rows = [json.loads(line) for line in second.read_text(encoding="utf-8").splitlines()]
    assert [[row[name] for name in ("id", "text", "stars", "remark")] for row in rows] == ROWS
    for row in rows:
        check(row, said)
        assert row["labelloop_label"] == row["label"], "its own column of that name stays"
        assert float(row["labelloop_probability"]) == pytest.approx(float(row["probability"]), abs=1e-5)
    if suffix == "parquet":
        assert isinstance(rows[0]["probability"], float), "typed columns stay typed"


def in_pipe(model: Path, given: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui.cli.main", "predict", str(model), "-", "-", *options],
        input=given, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


def test_standard_input_to_standard_output(model: Path, source: Path, said: dict[str, dict[str, float]]) -> None:
    done = in_pipe(model, source.read_text(encoding="utf-8"))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines(keepends=True)))
    assert [list(row.values())[:4] for row in rows] == ROWS
    for row in rows:
        check(row, said)
    assert "Labelled 6 rows" in done.stderr


def test_lines_of_json_keep_their_types_and_what_is_missing_stays_so(
    model: Path, said: dict[str, dict[str, float]]
) -> None:
    from tui.cli.main import app

    given = (
        '{"text": "I love it, great", "n": 1.50, "tags": ["a", null]}\n{"text": "broken and\\nawful", "n": null}\n'
    )
    done = CliRunner().invoke(app, ["predict", str(model), "-", "-", "--as", "jsonl"], input=given)
    assert done.exit_code == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["n"], first["tags"]) == (1.5, ["a", None])
    assert second["n"] is None
    for row in (first, second):
        check(row, said)
    assert "tags" not in second, "what a row did not have it has not now"


def test_each_text_of_a_window_is_computed_once_and_windows_follow_each_other(
    model: Path, source: Path, labelloop: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.training.packed import PackedBert

    sizes: list[int] = []
    logits = PackedBert.logits

    def counted(self: PackedBert, ids: Any) -> Any:
        sizes.append(len(ids))
        return logits(self, ids)

    monkeypatch.setattr(PackedBert, "logits", counted)
    assert labelloop("predict", model, source, tmp_path / "a.csv").exit_code == 0
    assert sum(sizes) == 5, "six rows, one text twice"
    whole = (tmp_path / "a.csv").read_text(encoding="utf-8")
    monkeypatch.setattr("core.worker.jobs.predict.CHUNK", 2)
    sizes.clear()
    assert labelloop("predict", model, source, tmp_path / "b.csv").exit_code == 0
    assert sum(sizes) == 6, "in windows of two the text is in two windows"
    parts = (tmp_path / "b.csv").read_text(encoding="utf-8")
    assert [line.split(",")[0] for line in parts.splitlines()] == [line.split(",")[0] for line in whole.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{model}", "missing.csv", "out.csv"], "missing.csv"),
        (["nowhere", "{source}", "out.csv"], "no model folder"),
        (["{model}", "{source}", "out.docx"], "cannot be written as “docx”"),
        (["{model}", "{source}", "-", "--as", "parquet"], "cannot be written as “parquet”"),
        (["{model}", "{source}", "no/such/out.csv"], "does not exist"),
        (["{model}", "{source}", "out.csv", "--text", "words"], "words"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    model: Path, source: Path, labelloop: Command, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    before = sorted(tmp_path.iterdir())
    given = [one.format(model=model, source=source) for one in arguments]
    told = labelloop("predict", *given)
    assert told.exit_code == 1
    assert sentence in " ".join(told.stderr.split())
    assert sorted(tmp_path.iterdir()) == before


def test_json_and_standard_output_do_not_go_together(model: Path, source: Path, labelloop: Command) -> None:
    assert labelloop("predict", model, source, "-", "--json").exit_code == 2
