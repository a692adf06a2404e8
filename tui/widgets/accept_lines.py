"""What the accept screen says: what each share of wrong ones would cost, what one of them stands on, and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from core.accepting.promises import LabelPart, Line, in_percent, in_words, number, stands_on
from core.phrases import count, percent
from tui.widgets.fitting import first_lines, padded

Part = tuple[str, str]

NAMES = 15
"""Columns of a suggested label's name."""

MISLABELLED = "A wrong label in the audit set counts as a wrong suggestion: M walks through the suspects."


@dataclass(frozen=True)
class Choices:
    """The lines for one choice of label, computed together."""

    lines: tuple[Line, ...]
    pool: int
    """Suggestions that could be accepted."""
    audited: int
    """Labelled audit reviews with such a suggestion."""


@dataclass(frozen=True)
class Example:
    """A review that would be accepted."""

    probability: float
    label: str
    colour: str
    """A style."""
    text: str


# ---------------------------------------------------------------------- the lines to choose from


def choices(found: Choices, cursor: int, width: int) -> Content:
    """A line for each share: the threshold it takes, how many are accepted, and how many of them are wrong."""
    bar = max(6, min(36, width - 66))
    heading = (
        f"  {'at most wrong':<15}{'probability':>11}{'accepted':>10}  {'':<{bar}}{'wrong: about':>14}{'at most':>9}"
    )
    drawn = [Content.styled(heading, "$faint")]
    for place, line in enumerate(found.lines):
        drawn.append(_line(line, found.pool, place == cursor, bar))
    return Content("\n").join(drawn)


def _line(line: Line, pool: int, chosen: bool, bar: int) -> Content:
    mark: Part = ("▸ ", "bold $accent") if chosen else ("  ", "")
    promise = line.promise
    asked = "own line" if line.max_wrong is None else in_percent(line.max_wrong)
    parts: list[Part] = [mark, (f"{asked:<15}", "bold" if chosen else "")]
    if promise is None:
        parts.append((_short(line), "" if chosen else "$faint"))
        return Content.assemble(*parts)
    full = round(promise.accepted / pool * bar) if pool else 0
    parts += [
        (f"{f'{number(promise.threshold)} +':>11}", "bold $primary" if chosen else ""),
        (f"{promise.accepted:>10,}  ", "bold" if chosen else ""),
        ("━" * full, "$success" if line.max_wrong is not None else "$primary"),
        ("─" * (bar - full), "$border"),
        (f"{promise.expected_wrong:>14,.0f}", ""),
        (f"{promise.at_most_wrong:>9,}", "bold $warning"),
    ]
    return Content.assemble(*parts)


def _short(line: Line) -> str:
    if line.missing is not None:
        return f"not yet: about {line.missing:,} more audit labels would do"
    if line.max_wrong is None:
        return "no open suggestion is so probable"
    return "so far even the surest seem to be wrong more often"


# ---------------------------------------------------------------------- what one of them comes to


def details(line: Line, own: float, calibration_error: float | None, audit_left: int) -> Content:
    """The promise of a line in a sentence, what it stands on, and what else the probabilities say."""
    promise = line.promise
    if promise is None:
        told = [Content.styled(line.refused, "$warning")]
        if audit_left and line.missing is not None:
            told.append(Content.styled("g lets the reviews of the audit set come up.", "$faint"))
        if line.max_wrong is not None:
            told.append(Content.styled(MISLABELLED, "$faint"))
        return Content("\n").join(told)
    copies = line.reviews - promise.accepted
    along = f" {count(copies, 'copy', 'copies')} get{'s' if copies == 1 else ''} the same labels." if copies else ""
    told_own = f"The run’s own probabilities expect {own:,.0f} wrong"
    told_own += "." if calibration_error is None else f"; their calibration error is {percent(calibration_error, 1)}."
    told = [Content.assemble((in_words(promise) + along, "bold")), Content(stands_on(promise)), Content(told_own)]
    if line.whichever > promise.at_most_wrong:
        whichever = f"If you choose this line because it looks best of all: at most {line.whichever:,} wrong."
        told.append(Content.styled(whichever, "$faint"))
    return Content("\n").join(told)


def by_label(parts: Sequence[LabelPart], colours: Mapping[int, str], width: int, max_wrong: float | None) -> Content:
    """The accepted suggestions of each label, each with a bound of its own, and what it comes to by itself."""
    alone = any(part.alone is not None for part in parts)
    aside = f"   alone at {in_percent(max_wrong)}" if alone and max_wrong is not None else ""
    room = max(10, min(30, width - (60 if alone else 38)))
    heading = f"{'':<{room}}{'accepted':>9}{'about':>7}{'at most':>8}{'in the audit':>14}{aside}"
    drawn = [Content.styled(heading, "$faint")]
    for part in parts:
        promise = part.promise
        drawn.append(
            Content.assemble(
                (padded(part.name, room - 1) + " ", f"$label-{colours.get(part.label_id, 'grey')}"),
                f"{promise.accepted:>9,}{promise.expected_wrong:>7,.0f}{promise.at_most_wrong:>8,}",
                (f"{f'{promise.found_wrong:,} of {promise.audited:,}':>14}", "$faint"),
                *_alone(part.alone),
            )
        )
    return Content("\n").join(drawn)


def _alone(line: Line | None) -> list[Part]:
    """How many of one label could be accepted at its own threshold, or what that takes."""
    if line is None:
        return []
    if line.promise is not None:
        return [(f"   {line.promise.accepted:,}", ""), (f" at {number(line.promise.threshold)} +", "$faint")]
    return [(f"   not yet: {line.missing:,} more" if line.missing is not None else "   cannot be promised", "$faint")]


# ---------------------------------------------------------------------- examples


def examples(of: Sequence[Example], width: int, lines: int = 1) -> Content:
    """Probability, label and text of each, the text on at most so many lines."""
    drawn = []
    room = max(10, width - NAMES - 10)
    for one in of:
        first, *rest = first_lines(one.text, room, lines)
        drawn.append(
            Content.assemble(
                (f"{percent(one.probability, 1):>7} ", "$faint"), (padded(one.label, NAMES), one.colour), " ", first
            )
        )
        drawn += [Content(" " * (NAMES + 9) + line) for line in rest]
    return Content("\n").join(drawn)
