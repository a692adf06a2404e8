"""The lines of the accept screen: what each share of wrong ones would cost, and what one of them stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from core.accepting.promises import LabelPart, Line, in_words, number, stands_on
from core.phrases import count, one_line, percent

Part = tuple[str, str]


@dataclass(frozen=True)
class Choices:
    """The lines for one choice of label, computed together."""

    lines: tuple[Line, ...]
    pool: int
    """Suggestions that could be accepted."""
    audited: int
    """Labelled audit reviews with such a suggestion."""


def choices(found: Choices, cursor: int, width: int) -> Content:
    """A line for each share: the threshold it takes, how many are accepted, and how many of them are wrong."""
    bar = max(8, min(40, width - 62))
    heading = f"  {'at most wrong':<15}{'from':>7} {'accepted':>10}  {'':<{bar}}{'expect':>8}{'at most':>9}"
    drawn = [Content.styled(heading, "$faint")]
    for place, line in enumerate(found.lines):
        drawn.append(_line(line, found.pool, place == cursor, bar))
    return Content("\n").join(drawn)


def _line(line: Line, pool: int, chosen: bool, bar: int) -> Content:
    mark: Part = ("▸ ", "bold $accent") if chosen else ("  ", "")
    promise = line.promise
    asked = "own line" if line.max_wrong is None else share(line.max_wrong)
    parts: list[Part] = [mark, (f"{asked:<15}", "bold" if chosen else "")]
    if promise is None:
        parts.append((_short(line), "$faint"))
        return Content.assemble(*parts)
    full = round(promise.accepted / pool * bar) if pool else 0
    parts += [
        (f"{number(promise.threshold):>7}", "bold $primary" if chosen else ""),
        (f" {promise.accepted:>10,}  ", "bold" if chosen else ""),
        ("━" * full, "$success" if line.max_wrong is not None else "$primary"),
        ("─" * (bar - full), "$border"),
        (f"{promise.expected_wrong:>8,.0f}", ""),
        (f"{promise.at_most_wrong:>9,}", "bold $warning"),
    ]
    return Content.assemble(*parts)


def _short(line: Line) -> str:
    if line.missing is not None:
        return f"not yet: about {line.missing:,} more audit labels would do"
    if line.max_wrong is None:
        return "no open suggestion is so probable"
    return "even the surest suggestions are wrong more often"


def share(wanted: float) -> str:
    """A share as it was asked for: 2 %, 0.5 %."""
    return percent(wanted, 0 if round(wanted * 100, 6).is_integer() else 1)


def details(line: Line, own: float, calibration_error: float | None) -> Content:
    """The promise of a line in a sentence, what it stands on, and what else the probabilities say."""
    promise = line.promise
    if promise is None:
        return Content.styled(line.refused, "$warning")
    copies = line.reviews - promise.accepted
    along = f" {count(copies, 'copy', 'copies')} get the same labels." if copies else ""
    told = f"Its own probabilities expect {own:,.0f} wrong"
    told += "." if calibration_error is None else f"; their calibration error is {percent(calibration_error, 1)}."
    whichever = f"Chosen after comparing lines, by what looked best? Then at most {line.whichever:,} are wrong."
    return Content("\n").join(
        [
            Content.assemble((in_words(promise) + along, "bold")),
            Content(stands_on(promise)),
            Content(told),
            Content.styled(whichever, "$faint"),
        ]
    )


def by_label(parts: Sequence[LabelPart], colours: Mapping[int, str], width: int) -> Content:
    """The accepted suggestions of each label, each with a bound of its own."""
    room = max(10, min(30, width - 50))
    heading = f"{'':<{room}}{'accepted':>10}{'expect':>8}{'at most':>9}{'wrong in audit':>17}"
    drawn = [Content.styled(heading, "$faint")]
    for part in parts:
        promise = part.promise
        drawn.append(
            Content.assemble(
                (f"{one_line(part.name, room - 1):<{room}}", f"$label-{colours.get(part.label_id, 'grey')}"),
                f"{promise.accepted:>10,}{promise.expected_wrong:>8,.0f}{promise.at_most_wrong:>9,}",
                (f"{f'{promise.found_wrong:,} of {promise.audited:,}':>17}", "$faint"),
            )
        )
    return Content("\n").join(drawn)
