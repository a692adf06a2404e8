"""The demonstration and the doctor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.locations import sample_reviews
from tests.cli.conftest import Command, in_process

Document = Callable[..., Any]


@pytest.fixture
def with_tiny_base(home: Path, tiny_bert: Path) -> None:
    """The settings say that the tiny BERT is the base model."""
    (home / "settings.toml").write_text(f'base_model = "{tiny_bert}"\n', encoding="utf-8")


@pytest.mark.usefixtures("with_tiny_base")
def test_headless_runs_the_loop_and_touches_nothing_that_exists(
    document: Document, labelloop: Command, tmp_path: Path
) -> None:
    (tmp_path / "labelloop-demo.csv").write_text("mine", encoding="utf-8")
    done = document("demo", "--headless", "--folder", tmp_path, "--labels", 60, "--epochs", 1, "--seed", 5)
    assert Path(done["project"]) == tmp_path / "labelloop-demo-2.db"
    assert (tmp_path / "labelloop-demo.csv").read_text(encoding="utf-8") == "mine"
    assert done["reviews"] == len(pd.read_csv(sample_reviews()))
    frame = pd.read_csv(done["export"], keep_default_na=False)
    by_person = frame[frame["source"] == "person"]
    assert len(by_person) == done["labelled"] >= 60
    assert (by_person["label"] == by_person["sentiment"]).all()
    rest = frame[frame["source"] == "suggested"]
    assert len(rest) == done["suggestions"]["size"] == done["reviews"] - done["labelled"]
    assert (rest["label"] == rest["sentiment"]).sum() == done["suggestions"]["right"]
    assert document("status", done["project"])["labelled"] == done["labelled"]

    again = labelloop("demo", "--headless", "--folder", tmp_path, "--labels", 60, "--epochs", 1, "--seed", 5)
    assert again.exit_code == 0
    other = pd.read_csv(tmp_path / "labelloop-demo-3.csv", keep_default_na=False)
    pd.testing.assert_series_equal(other["source"], frame["source"])
    for part in ("keyword rule", "majority class", "macro-F1", "95 % interval", "labelloop-demo-3.db"):
        assert part in again.stdout
    assert f"labelloop open {tmp_path}" in again.stderr


def test_in_a_terminal_the_sample_is_opened_unlabelled(
    labelloop: Command, document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr("tui.cli.demo.in_terminal", lambda: True)

    def shown(project: Path) -> None:
        import typer

        opened.append(project)
        raise typer.Exit(0)

    monkeypatch.setattr("tui.cli.demo.run_app", shown)
    for _ in range(2):
        assert labelloop("demo", "--folder", tmp_path).exit_code == 0
    assert opened == [tmp_path / "labelloop-demo.db"] * 2
    status = document("status", tmp_path / "labelloop-demo.db")
    assert (status["labelled"], status["reviews"]) == (0, len(pd.read_csv(sample_reviews())))
    assert [label["name"] for label in status["labels"]] == ["positive", "negative"]


def test_demo_in_a_folder_that_does_not_exist(labelloop: Command, tmp_path: Path) -> None:
    result = labelloop("demo", "--headless", "--folder", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "nowhere does not exist. Make it first, or choose another." in result.stderr
    assert labelloop("demo", "--labels", "1").exit_code == 2


@pytest.mark.training
def test_headless_with_the_real_model(document: Document, tmp_path: Path) -> None:
    done = document("demo", "--headless", "--folder", tmp_path, "--labels", 60, "--epochs", 1, "--seed", 1)
    assert done["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert done["suggestions"]["size"] > 600
    assert set(done["seconds"]) == {"import", "label", "train and suggest", "evaluate", "export"}


def test_doctor_finds_what_is_there(document: Document, tiny_bert: Path, home: Path) -> None:
    (home / "settings.toml").write_text(f'base_model = "{tiny_bert}"\nthem = "x"\n', encoding="utf-8")
    found = document("doctor")
    assert found["can_train"]
    assert {"Python", "labelloop", "torch", "transformers", "textual"} <= set(found["versions"])
    assert {"device", "precision", "memory"} <= set(found["device"])
    by_name = {model["name"]: model for model in found["models"]}
    assert by_name[str(tiny_bert)]["local"]
    assert "google-bert/bert-base-uncased" in by_name
    assert any("“them”" in sentence for sentence in found["to_do"])


def test_doctor_fails_when_nothing_can_train(home: Path) -> None:
    (home / "settings.toml").write_text('base_model = "./nowhere"\n', encoding="utf-8")
    done = in_process("doctor")
    assert done.returncode == 1
    assert "./nowhere" in done.stdout
    assert "cannot be had" in done.stdout
    assert "Traceback" not in done.stderr
