"""The README tells what is so: its tables come from the code, and its commands run.

`python -m tests.test_readme` writes the tables anew.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from pydantic_core import PydanticUndefined
from typer.testing import CliRunner

from core import locations, settings
from core.labelling.session import LabellingSession
from core.storage.database import open_project
from tui.bindings import table
from tui.cli.listing import rows
from tui.cli.main import app

README = Path(__file__).parent.parent / "README.md"


def commands() -> str:
    """The list of commands as a Markdown table."""
    return "\n".join(rows())


def settings_table() -> str:
    """The settings with their defaults and what stands under each in the code, as a Markdown table."""
    (declared,) = (
        node
        for node in ast.parse(Path(settings.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    lines = ["| setting | default | what it is |", "|---|---|---|"]
    for field, told in pairwise(declared.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(told, ast.Expr):
            name = field.target.id
            default = settings.Settings.model_fields[name].default
            shown = "" if default is PydanticUndefined else f"`{json.dumps(default)}`"
            lines.append(f"| `{name}` | {shown} | {' '.join(ast.literal_eval(told.value).split())} |")
    return "\n".join(lines)


TABLES: dict[str, Callable[[], str]] = {"keys": table, "commands": commands, "settings": settings_table}


def between(text: str, name: str) -> str:
    """What stands between the markers of this name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", text, re.DOTALL)
    assert found is not None, f"README.md has no <!-- {name} -->"
    return found[1].strip()


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    assert between(README.read_text(encoding="utf-8"), name) == TABLES[name]().strip()


def test_the_files_it_names_are_there() -> None:
    text = README.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if not link.startswith("https:"):
            assert (README.parent / link).exists(), link


def test_its_commands_run_from_first_to_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_base: Path
) -> None:
    """As written, but for two things: a person's labelling is played, and the base model is a tiny one."""
    monkeypatch.chdir(tmp_path)
    settings.save({"base_model": str(tiny_base)})
    sample = pd.read_csv(locations.sample_reviews(), dtype=str, keep_default_na=False)
    sample.drop(columns="sentiment").to_csv("reviews.csv", index=False)
    gold = dict(zip(sample["text"], sample["sentiment"], strict=True))
    lines = [line for line in between(README.read_text(encoding="utf-8"), "walk").splitlines() if "labelloop" in line]
    assert len(lines) >= 6
    for line in lines:
        words = shlex.split(line)[1:]
        if words[0] == "open":
            label_some(Path(words[1]), gold, 60)
            continue
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{line}\n{done.output}"
    exported = pd.read_csv("labelled.csv", dtype=str, keep_default_na=False)
    assert list(exported["id"]) == list(sample["id"])
    # Apostrophes stand before cells that a spreadsheet would run.
    exported["text"] = exported["text"].str.removeprefix("'").where(exported["guarded"] != "", exported["text"])
    assert list(exported["text"]) == list(sample["text"])
    by_person = exported[exported["source"] == "person"]
    assert len(by_person) >= 60
    assert all(gold[text] == label for text, label in zip(by_person["text"], by_person["label"], strict=True))
    assert (exported["source"] == "suggested").sum() > 500


def label_some(path: Path, gold: dict[str, str], many: int) -> None:
    """Label reviews as they come up, as a person would."""
    database = open_project(path)
    session = LabellingSession(database, "ann")
    ids = {label.name: label.id for label in session.scheme}
    for _ in range(many):
        assert session.current is not None
        label_id = ids[gold[session.current.text]]
        assert label_id is not None
        session.give([label_id])
    session.close()
    database.close()


def rewrite() -> None:
    """Write the tables anew."""
    text = README.read_text(encoding="utf-8")
    for name, made in TABLES.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        text = f"{before}{begin}{made().strip()}\n{end}{after}"
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
