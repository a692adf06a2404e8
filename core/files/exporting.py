"""Exporting: every original column in its order, then what was decided; verified before it replaces anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from csv import QUOTE_ALL, QUOTE_MINIMAL
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Literal

from sqlmodel import Session, col, select

from core.errors import FileError
from core.labels import SchemeKind
from core.storage import cards, scheme
from core.storage.database import Database, project_of
from core.storage.queue import current
from core.storage.states import AnnotationState, states
from core.storage.tables import Annotator, Decision, Label, Review, Source

PORTION = 5_000
"""Rows held in memory at a time."""

ADDED = ("label", "source", "annotator", "time", "probability", "run", "flagged", "note")
"""Columns after the original ones. One that the file has already is written as `labelloop_…`."""


class What(StrEnum):
    """Which reviews are exported."""

    LABELLED = "labelled"
    """Those that have a label."""
    SUGGESTED = "suggested"
    """Those that have none, with the model's suggestion as label."""
    ALL = "all"
    """Every review; suggestions stand in for missing labels and say so in `source`."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    path: Path
    rows: int
    columns: list[str]


def export(
    database: Database,
    target: Path,
    what: What = What.LABELLED,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Exported:
    """Write the project's reviews to a CSV file (UTF-8, RFC 4180).

    The file is written beside its place, read back with pandas and compared cell by cell, and only then
    takes its place, so that an export that fails leaves what was there before. Raises FileError.
    """
    target = target.expanduser().absolute()
    if target.suffix.casefold() != ".csv":
        raise FileError(f"Exports to “{target.suffix or target.name}” cannot be written yet.", "End it in .csv.")
    if not target.parent.is_dir():
        raise FileError(f"The folder {target.parent} does not exist.", "Make it first, or choose another.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with database.reading() as session:
            plan = _Plan(session, what)
            rows = _write(draft, plan, progress)
            _verify(draft, plan, target)
        draft.replace(target)
    except OSError as error:
        raise FileError(
            f"{target} cannot be written: {error.strerror}.",
            "Check the room on the disk and your permissions.",
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return Exported(target, rows, plan.columns)


class _Plan:
    """Gives the same rows each time it is asked, within one reading transaction."""

    def __init__(self, session: Session, what: What) -> None:
        self._session = session
        self._what = what
        self._multi = project_of(session).kind is SchemeKind.MULTI
        self._labels = scheme.labels(session, archived=True)
        self._annotators = {row.id: row.name for row in session.exec(select(Annotator))}
        sources = session.exec(select(Source).where(col(Source.withdrawn).is_(False)).order_by(col(Source.id)))
        self._sources = {source.id: source for source in sources}
        self.original = list(dict.fromkeys(name for s in self._sources.values() for name in s.columns))
        self.columns = self.original + [_free(name, self.original) for name in ADDED]
        self.total = sum(source.rows for source in self._sources.values())

    def portions(self) -> Iterator[tuple[int, list[list[str]]]]:
        """Portions of rows, each with how many reviews have been looked at."""
        last, seen = 0, 0
        while True:
            query = select(Review).where(col(Review.id) > last, current()).order_by(col(Review.id)).limit(PORTION)
            reviews = list(self._session.exec(query))
            if not reviews:
                return
            ids = [review.id for review in reviews if review.id is not None]
            known = states(self._session, ids)
            suggested = {} if self._what is What.LABELLED else self._suggested(ids)
            rows = [
                row
                for review in reviews
                if (row := self._row(review, known.get(review.id or 0), suggested.get(review.id or 0)))
            ]
            last, seen = ids[-1], seen + len(ids)
            self._session.expunge_all()
            yield seen, rows

    def _suggested(self, ids: list[int]) -> dict[int, cards.Suggested]:
        return cards.suggestions(self._session, ids, self._multi)

    def _row(
        self, review: Review, state: AnnotationState | None, suggested: cards.Suggested | None
    ) -> list[str] | None:
        is_labelled = state is not None and state.decision is Decision.LABELLED
        if self._what is What.LABELLED and not is_labelled:
            return None
        is_decided = state is not None and state.decision is not None
        if self._what is What.SUGGESTED and (is_decided or suggested is None):
            return None
        return self._original_cells(review) + _decided_cells(state, suggested, self._labels, self._annotators)

    def _original_cells(self, review: Review) -> list[str]:
        source = self._sources[review.source_id]
        others = iter(review.fields)
        cells = {name: review.text if name == source.text_column else next(others) for name in source.columns}
        return [cells.get(name, "") for name in self.original]


def _free(name: str, taken: list[str]) -> str:
    """The name, prefixed as often as it takes to be none of the file's own: an export may be imported again."""
    while name in taken:
        name = f"labelloop_{name}"
    return name


def _decided_cells(
    state: AnnotationState | None,
    suggested: cards.Suggested | None,
    labels: list[Label],
    annotators: dict[int | None, str],
) -> list[str]:
    """The cells of `ADDED`."""
    label = source = annotator = time = probability = run = ""
    if state is not None and state.decision is Decision.LABELLED:
        label = "|".join(scheme.names(labels, state.label_ids))
        source, annotator, time = state.origin.value, annotators[state.annotator_id], state.decided_at
        if state.probability is not None:
            probability, run = f"{state.probability:.4f}", str(state.run_id)
    elif state is not None and state.decision is Decision.SKIPPED:
        source, annotator, time = "skipped", annotators[state.annotator_id], state.decided_at
    elif suggested is not None:
        label = "|".join(scheme.names(labels, suggested.label_ids))
        source, probability, run = "suggested", f"{suggested.probability:.4f}", str(suggested.run_id)
    flagged = "yes" if state is not None and state.flagged else ""
    return [label, source, annotator, time, probability, run, flagged, state.note if state else ""]


def _write(draft: Path, plan: _Plan, progress: Callable[[int, int], None]) -> int:
    import pandas as pd

    written = 0
    with draft.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        os.chmod(draft, 0o600)
        for seen, rows in chain([(0, [plan.columns])], plan.portions()):
            # Before Python 3.13, csv leaves a lone carriage return unquoted, and readers end the row there.
            quoting: Literal[0, 1] = QUOTE_ALL if any("\r" in cell for row in rows for cell in row) else QUOTE_MINIMAL
            frame = pd.DataFrame(rows, columns=plan.columns, dtype=str)
            frame.to_csv(file, index=False, header=False, lineterminator="\n", quoting=quoting)
            written += len(rows) if seen else 0
            progress(seen, plan.total)
        file.flush()
        os.fsync(file.fileno())
    return written


def _verify(draft: Path, plan: _Plan, target: Path) -> None:
    """Read the file back and compare every cell with what it should hold."""
    import pandas as pd

    wanted = (row for _, rows in plan.portions() for row in rows)
    with pd.read_csv(
        draft,
        dtype=str,
        keep_default_na=False,
        chunksize=PORTION,
        encoding_errors="surrogatepass",
        lineterminator=None,
    ) as chunks:
        position = 0
        for chunk in chunks:
            for found in chunk.itertuples(index=False, name=None):
                position += 1
                if list(found) != next(wanted, None):
                    raise FileError(
                        f"Row {position} of the export did not read back as it was written.",
                        f"{target} was left as it was; please report this with the row.",
                    )
    if next(wanted, None) is not None:
        raise FileError(
            f"The export ended after {position} rows when it was read back.", f"{target} was left as it was."
        )
