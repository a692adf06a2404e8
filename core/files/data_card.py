"""The data card beside an export: what it holds, where that comes from, and how far it can be trusted.

Markdown with front matter as the Hugging Face hub reads it. The licence is the owner's to fill in: once it is, a
later export to the same place keeps it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session, select

from core.files.decided_rows import ADDED, Plan, Tally, What
from core.files.writing.table import Column, Format
from core.phrases import count, percent, visible
from core.report import Measured
from core.storage import scheme
from core.storage.database import project_of
from core.storage.tables import Repeat, Run

MARK = "Written by labelloop"
"""Stands in every card: a folder with such a card may be replaced by an export."""

NO_LICENCE = "# license: choose one, see https://huggingface.co/docs/hub/repositories-licenses"

_LICENCE = re.compile(r"^license\w*:.*(?:\n[ -].*)*", re.MULTILINE)

MEANINGS = {
    "label": "the label; several are joined by “|”; empty where a review has none",
    "source": "person, accepted (a person took a model's suggestion), imported, suggested (by a model, seen by "
    "nobody) or skipped",
    "annotator": "who decided",
    "time": "when, UTC",
    "probability": "the calibrated probability of the suggestion, 0 to 1",
    "run": "the run whose suggestion it is",
    "flagged": "whether it was flagged for a second look",
    "note": "what the annotator noted",
}

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True)
class Facts:
    """What the project knows about the rows of an export."""

    name: str
    kind: str
    tally: Tally
    labels: list[tuple[str, str, bool]]
    """Name, description, and whether it is archived."""
    sources: list[tuple[str, int, str, str]]
    """File name, rows, day of the import, SHA-256."""
    original: list[str]
    run: Run | None = None
    measured: Measured | None = None
    repeats: tuple[int, int] = (0, 0)
    """Reviews that somebody labelled a second time unknowingly, and those labelled the same."""
    written_at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M"))


def gather(session: Session, project: Path, plan: Plan, tally: Tally) -> Facts:
    """Collect the facts of a project that its export is to tell."""
    row = project_of(session)
    run = session.get(Run, row.run_in_use) if row.run_in_use is not None else None
    stored = run.metrics.get("audit") if run is not None else None
    asked = list(session.exec(select(Repeat.first, Repeat.second)))
    return Facts(
        name=row.name or project.stem,
        kind=row.kind.value,
        tally=tally,
        labels=[(one.name, one.description, one.archived) for one in scheme.labels(session, archived=True)],
        sources=[
            (one.file_name, one.rows, one.imported_at[:10], one.sha256)
            for one in sorted(plan.sources.values(), key=lambda one: one.id or 0)
        ],
        original=[column.name for column in plan.original],
        run=run,
        measured=Measured.from_json(stored) if stored else None,
        repeats=(len(asked), sum(sorted(first) == sorted(second) for first, second in asked)),
    )


def render(
    facts: Facts, columns: Sequence[Column], format: Format, where: str, what: What, guarded: str | None
) -> str:
    """The card in Markdown."""
    parts = [_front(facts, format), f"# {_line(facts.name)}\n", _told(facts, format, where, what)]
    parts += [_scheme(facts), _columns(columns, guarded), _quality(facts), _origin(facts)]
    return "\n".join(part for part in parts if part)


def with_licence_of(card: str, earlier: Path) -> str:
    """The card with the licence that a person has filled into an earlier one."""
    try:
        text = earlier.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return card
    front = text.split("\n---", 1)[0]
    found = _LICENCE.findall(front)
    return card.replace(NO_LICENCE, "\n".join(found), 1) if found else card


def _front(facts: Facts, format: Format) -> str:
    rows = facts.tally.rows
    size = next((name for most, name in SIZES if rows < most), "1M<n<10M" if rows < 10_000_000 else "n>10M")
    machine = any(facts.tally.by_source.get(source, 0) for source in ("suggested", "accepted"))
    lines = ["---", f"pretty_name: {json.dumps(_line(facts.name))}", NO_LICENCE, "task_categories:",
             "- text-classification", "size_categories:", f"- {size}", "annotations_creators:", "- expert-generated",
             *(["- machine-generated"] if machine else []), "tags:", "- labelloop"]  # fmt: skip
    if format is Format.DATASET:
        lines += ["configs:", "- config_name: default", "  data_files:", "  - split: train",
                  "    path: data/train.parquet"]  # fmt: skip
    return "\n".join([*lines, "---", ""])


def _told(facts: Facts, format: Format, where: str, what: What) -> str:
    which = {What.LABELLED: "those that have a label",
             What.SUGGESTED: "those that have none, with a model's suggestion",
             What.ALL: "all, labelled or not"}[what]  # fmt: skip
    narrowed = f" that pass the filter `{_line(where)}`" if where.strip() else ""
    lines = [
        f"{MARK} on {facts.written_at} UTC, as {format}. {count(facts.tally.rows, 'review')}{narrowed}: {which}.",
        "",
        "| source of the label | reviews |",
        "|---|---:|",
        *(f"| {_cell(name)} | {number:,} |" for name, number in sorted(facts.tally.by_source.items())),
        "",
        "Who may use these reviews, and for what, is for you to settle: fill in the licence at the top of this card.",
        "",
    ]
    return "\n".join(lines)


def _scheme(facts: Facts) -> str:
    several = "any number of labels a review" if facts.kind == "multi" else "one label a review"
    rows = []
    for name, description, archived in facts.labels:
        number = facts.tally.by_label.get(name, 0)
        if number or not archived:
            meaning = _cell(description) or "(not described)"
            rows.append(f"| {_cell(name)}{' (archived)' if archived else ''} | {number:,} | {meaning} |")
    return "\n".join([f"## Labels\n\nThe scheme is {facts.kind}-label: {several}.\n",
                      "| label | reviews | what it means |", "|---|---:|---|", *rows, ""])  # fmt: skip


def _columns(columns: Sequence[Column], guarded: str | None) -> str:
    rows = []
    first_added = len(columns) - len(ADDED)
    meanings = list(MEANINGS.values())
    for at, column in enumerate(columns):
        meaning = "as imported" if at < first_added else meanings[at - first_added]
        rows.append(f"| {_cell(column.name)} | {_cell(column.kind) or 'text'} | {meaning} |")
    if guarded is not None:
        rows.append(
            f"| {guarded} | text | numbers of the columns of this row, the first being 1, whose cell begins with an "
            "apostrophe that was added, because a spreadsheet would have run it |"
        )
    return "\n".join(["## Columns\n", "| column | type | meaning |", "|---|---|---|", *rows, ""])


def _quality(facts: Facts) -> str:
    lines = list(_measured(facts))
    asked, same = facts.repeats
    if asked:
        lines.append(
            f"- Of {count(asked, 'review')} that came up a second time unannounced, {percent(same / asked)} got the "
            "same label again."
        )
    accepted = facts.tally.by_source.get("accepted", 0)
    if accepted:
        lines.append(f"- {count(accepted, 'label')} began as a model's suggestion that a person took.")
    if not lines:
        lines.append("- Nothing has been measured: no model was trained, and no review came up twice.")
    return "\n".join(["## How far to trust it\n", *lines, ""])


def _measured(facts: Facts) -> Iterator[str]:
    run, measured = facts.run, facts.measured
    if run is None or measured is None:
        return
    model = measured.cross_validation.model if measured.cross_validation is not None else measured.model
    if model is None:
        return
    low, high = percent(model.accuracy_low, 1), percent(model.accuracy_high, 1)
    yield (
        f"- The model of run {run.id} ({_line(run.base_model)}, trained on {count(run.train_size, 'review')}) has an "
        f"accuracy of {percent(model.accuracy, 1)} (95 % interval {low} to {high}), macro-F1 "
        f"{percent(model.macro_f1, 1)}. {measured.basis}"
    )


def _origin(facts: Facts) -> str:
    rows = [f"| {_cell(name)} | {number:,} | {day} | `{digest}` |" for name, number, day, digest in facts.sources]
    return "\n".join(["## Where the reviews come from\n", "| file | reviews | imported | SHA-256 |",
                      "|---|---:|---|---|",
                      *rows, ""])  # fmt: skip


def _line(text: str) -> str:
    return " ".join(visible(text).split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
