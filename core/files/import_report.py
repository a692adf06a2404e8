"""What an import found: the report that comes before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import FileError, LabelloopError, SchemeError
from core.files.known import Comparison
from core.files.problems import ALLOWED, Action, Problem, Tally


@dataclass(frozen=True)
class Report:
    """What an import found, whether or not it was carried out. `rows` is `new + known + left_out`."""

    file_name: str
    format: str
    rows: int
    """Rows of the file, good and bad."""
    new: int
    """Rows that become reviews."""
    known: int
    """Rows that the project has already, by id and text, or by all of their cells: they are not imported again."""
    left_out: int
    mended: int
    """Rows that are imported otherwise than they stand in the file."""
    columns: list[str]
    types: list[str]
    """The kind of each column, see `values`; empty where all are text."""
    encoding: str
    delimiter: str
    quote: str
    header: bool
    notes: list[str]
    text_column: str
    id_column: str | None
    label_column: str | None
    labelled: int
    """Rows that become reviews with a label."""
    label_counts: dict[str, int]
    new_labels: list[str]
    """Labels that the scheme does not have yet."""
    label_variants: dict[str, str]
    """Names of labels that differ from another one in case only, with that one."""
    empty_texts: int
    duplicate_texts: int
    """Rows whose text stands in an earlier row of the file."""
    already_there: int
    """Rows whose text stands in the project already, in other reviews."""
    duplicate_ids: int
    alike_texts: int
    """Different texts that are so similar to an earlier one, of the file or the project, that one label does."""
    problems: dict[Problem, Tally]
    """What was found, each with what is done about it."""
    comparison: Comparison | None
    """Labels of known rows beside those of the project; none without a label column or known rows."""
    relabelled: int
    """Known reviews that get the file's label."""
    sample: list[str]
    """The beginnings of a few texts, as they were decoded."""

    @property
    def stops(self) -> list[Problem]:
        """Problems because of which nothing is imported."""
        return [problem for problem, tally in self.problems.items() if tally.action is Action.STOP]

    def refusal(self) -> LabelloopError | None:
        """The error of an import that is stopped; none where nothing stands in its way."""
        for problem in self.stops:
            tally = self.problems[problem]
            first = tally.examples[0]
            more = f" {tally.count - 1:,} more like it." if tally.count > 1 else ""
            others = " or ".join(f"--on {problem}={one}" for one in ALLOWED[problem] if one is not Action.STOP)
            kind = SchemeError if problem in (Problem.BAD_LABEL, Problem.LABEL_CASE) else FileError
            where = f"{self.file_name}, {'line' if self.format != 'parquet' else 'row'} {first.line}"
            return kind(
                f"{where}: {first.what.rstrip('.')}.{more}",
                f"Nothing was imported. Correct the file, or choose what to do: {others}.",
            )
        return None
