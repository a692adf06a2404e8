"""Running the commands as a person does, with folders of their own and a tiny base model."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from core.locations import HOME_VARIABLE

GOOD = ["love", "great", "perfect", "happy", "excellent", "recommend"]
BAD = ["broken", "awful", "refund", "terrible", "useless", "disappointed"]
FILLER = ["the", "phone", "case", "battery", "arrived", "and", "is", "was", "it", "very", "today", "really"]

Command = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Settings, logs and working directory of the test alone, and no network."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv(HOME_VARIABLE, str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    # The random order of a project settles which reviews are in the audit set: the same in every test run.
    monkeypatch.setattr("core.storage.database.secrets.randbits", lambda _bits: 1)
    return folder


@pytest.fixture
def labelloop() -> Command:
    """Run a command in this process; its output and exit code."""

    def run(*arguments: object) -> Result:
        from tui.cli.main import app

        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def document(labelloop: Command) -> Callable[..., Any]:
    """Run a command with --json; the one document on its stdout. The exit code must be the one expected."""

    def run(*arguments: object, code: int = 0) -> Any:
        result = labelloop(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return run


def in_process(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tui.cli.main", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A file of 60 reviews that one word sorts; the first 40 have their label, one holds markup and an escape."""
    path = tmp_path / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "stars", "label"])
        for number in range(60):
            words = GOOD if number % 2 else BAD
            text = f"{FILLER[number % 12]} {FILLER[number // 5]} {words[number % 6]}"
            if number == 3:
                text += " [bold red]\x1b[31m"
            label = ("good" if number % 2 else "bad") if number < 40 else ""
            writer.writerow([f"r{number}", text, number % 5 + 1, label])
    return path


@pytest.fixture
def project(tmp_path: Path, labelloop: Command, reviews: Path) -> Path:
    """A project with those reviews in it, 40 of them labelled."""
    path = tmp_path / "reviews.db"
    assert labelloop("new", path, "--labels", "good,bad").exit_code == 0
    assert labelloop("import", path, reviews, "--label", "label").exit_code == 0
    return path


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model folder of random weights that knows the words above; it trains in a second."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-bert")
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *GOOD,
        *BAD,
        *FILLER,
        *letters,
        *(f"##{x}" for x in letters),
    ]
    vocabulary = {word: index for index, word in enumerate(words)}
    BertTokenizerFast(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(
            BertConfig(
                vocab_size=len(words),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=64,
            )
        ).save_pretrained(folder)
    return folder


@pytest.fixture
def trained(project: Path, tiny_bert: Path, document: Callable[..., Any]) -> Path:
    """The project after one training."""
    document("train", project, "--no-cross-validate", "--base", tiny_bert, "--epochs", 2, "--learning-rate", 0.003)
    return project
