"""What an import found, in the words that its screen and its command share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.files import encodings
from core.files.problems import TITLES, Action, Problem, Tally, means
from core.phrases import count, one_line

if TYPE_CHECKING:
    from core.files.import_report import Report
    from core.files.table import Table

MOST_SHOWN = 12
"""Labels or columns named in the report."""

FORMATS = {
    "json": "JSON",
    "jsonl": "JSON lines",
    "parquet": "Parquet",
    "xlsx": "Excel workbook",
    "text": "plain text",
    "folder": "folder of texts",
}
SIGNS = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
    " ": "spaces",
    "\x1f": "unit separators",
    "\x01": "control A",
}


def written(found: Table | Report) -> str:
    """How a file is written: format, encoding, delimiter, quotes, header."""
    parts = [FORMATS[found.format]] if found.format in FORMATS else []
    if found.encoding:
        parts.append(encodings.shown(found.encoding))
    if found.delimiter:
        parts.append(f"cells between {SIGNS.get(found.delimiter, found.delimiter)}")
        if found.quote != '"':
            parts.append(f"quoted with {found.quote}" if found.quote else "no quotes")
        if not found.header:
            parts.append("no header line")
    return ", ".join([*parts, *found.notes])


def facts_of(report: Report) -> list[tuple[str, str]]:
    """The report as names and values; what is not there is left out, except where that is news."""
    rows = [
        ("file", f"{one_line(report.file_name)}, {written(report)}"),
        ("reviews", _reviews(report)),
        ("text", column(report.text_column)),
        ("id", column(report.id_column) if report.id_column else "none; reviews are called by their row"),
    ]
    roles = (report.text_column, report.id_column, report.label_column)
    if others := [column(name) for name in report.columns if name not in roles]:
        rows.append(("also kept", listed(others)))
    if report.label_column is not None:
        rows.append(("label", f"{column(report.label_column)}, {count(report.labelled, 'review')} labelled"))
        by_count = sorted(report.label_counts.items(), key=lambda item: -item[1])
        rows.append(("labels", listed([f"{one_line(name, 60)} {number:,}" for name, number in by_count])))
    if report.new_labels:
        rows.append(("new labels", listed([one_line(name, 60) for name in report.new_labels])))
    if report.alike_texts:
        rows.append(("nearly the same", f"{count(report.alike_texts, 'text')}, labelled with what they are like"))
    if report.already_there:
        rows.append(("already there", f"{count(report.already_there, 'text')} stand in the project already"))
    if report.comparison is not None:
        rows.append(("known labels", compared(report)))
    return rows


def problems_of(report: Report) -> list[tuple[str, str]]:
    """The problems as names and values."""
    return [
        (TITLES[problem], sentence(problem, tally))
        for problem, tally in report.problems.items()
        if problem is not Problem.UNKNOWN_LABEL or tally.action is not Action.KEEP
    ]


def sentence(problem: Problem, tally: Tally, action: Action | None = None) -> str:
    """How often, the first ones, and what is done about them."""
    done = means(problem, action or tally.action)
    unmended = f" ({tally.unmended:,} cannot be mended and are left out)" if tally.unmended else ""
    return f"{tally.count:,}, {done}{unmended}: {examples(tally)}"


def offer(problem: Problem, action: Action) -> str:
    """An action as it is offered for a problem."""
    prefix = {Action.MEND: "mended: ", Action.STOP: "stop: "}.get(action, "")
    return f"{prefix}{means(problem, action)}"


def examples(tally: Tally) -> str:
    """The first rows with a problem."""
    told = "; ".join(f"line {one.line}: {one_line(one.what, 120)}" for one in tally.examples[:3])
    more = tally.count - min(3, len(tally.examples))
    return f"{told}; {more:,} more" if more > 0 else told


def compared(report: Report) -> str:
    """How the file's labels of known reviews stand beside the project's."""
    found = report.comparison
    assert found is not None
    parts = [f"{found.same:,} the same"]
    if found.different:
        parts.append(f"{found.different:,} different")
    if found.only_file:
        parts.append(f"{found.only_file:,} only in the file")
    if found.only_project:
        parts.append(f"{found.only_project:,} only here")
    pairs = [
        f"{one_line(ours, 30) or 'none'} here, {one_line(theirs, 30) or 'none'} there: {number:,}"
        for (ours, theirs), number in found.pairs.most_common(4)
    ]
    return ", ".join(parts) + (f" ({'; '.join(pairs)})" if pairs else "")


def result(report: Report) -> str:
    """What an import has done, in a sentence or two."""
    parts = [f"{count(report.new, 'review')} imported"] if report.new else ["Nothing new was imported"]
    if report.known:
        parts.append(f"{report.known:,} {'is' if report.known == 1 else 'are'} in the project already")
    if report.left_out:
        parts.append(f"{report.left_out:,} left out")
    if report.relabelled:
        parts.append(f"{report.relabelled:,} known got the file’s label")
    return ", ".join(parts) + "."


def column(name: str) -> str:
    """A column's name in quotes."""
    return f"“{one_line(name, 60)}”"


def listed(names: list[str]) -> str:
    """Names, the first of them if there are many."""
    shown = ", ".join(names[:MOST_SHOWN]) or "none"
    return shown + (f" and {len(names) - MOST_SHOWN:,} more" if len(names) > MOST_SHOWN else "")


def _reviews(report: Report) -> str:
    parts = [f"{report.new:,}"]
    if report.new != report.rows:
        parts = [f"{report.new:,} new of {report.rows:,}"]
    if report.known:
        parts.append(f"{report.known:,} in the project already")
    if report.left_out:
        parts.append(f"{report.left_out:,} left out")
    if report.mended:
        parts.append(f"{report.mended:,} mended")
    return ", ".join(parts)
