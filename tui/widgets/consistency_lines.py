"""What the consistency screen says: agreement with oneself, suggestions shown and held back, and reading."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from core.consistency import FEWEST, Part, Reading, Swayed
from core.evaluate.agreement import Agreement
from core.evaluate.intervals import wilson
from core.phrases import count, percent
from tui.widgets.fitting import padded

NAMES = 18
"""Columns of the name of a part."""

WIDEST = 50
"""Columns of a scale."""


def overall(found: Agreement | None, repeat_share: float, width: int) -> Content:
    """Agreement with oneself over all repeats, or how it will be measured."""
    if found is None:
        how = (
            f"{percent(repeat_share)} of what you label comes a second time, half an hour later at the earliest."
            if repeat_share
            else "No review comes a second time: the setting repeat_share is 0."
        )
        return Content.styled(f"Nothing was asked twice yet. {how}", "$faint")
    same = f"Of {count(found.reviews, 'review')} asked twice, {found.same:,} got the same answer: "
    lines = [Content.assemble(same, (percent(found.share), "bold"), f" ({_ends(found.low, found.high)}).")]
    if found.kappa is not None and found.kappa_low is not None and found.kappa_high is not None:
        room = max(10, min(WIDEST, width - 34))
        lines.append(
            Content.assemble(
                "Cohen’s kappa ",
                (f"{found.kappa:.2f}", "bold"),
                f" ({found.kappa_low:.2f} – {found.kappa_high:.2f})  ",
                (_scale(found.kappa_low, found.kappa, found.kappa_high, room), "$primary"),
            )
        )
        lines.append(
            Content.styled("0 is what chance gives, 1 the same every time; brackets: 95 % interval.", "$faint")
        )
    else:
        lines.append(Content.styled("One answer throughout: kappa, which asks for two, is not defined.", "$faint"))
    return Content("\n").join(lines)


def swayed(found: Swayed | None, hidden_share: float, width: int) -> Content:
    """How often the suggestion was followed where it was shown and where it was held back."""
    if found is None:
        how = (
            f"The suggestion is held back for {percent(hidden_share)} of the reviews, once 50 are labelled."
            if hidden_share
            else "No suggestion is held back: the setting hidden_share is 0."
        )
        return Content.styled(f"There is nothing to compare yet. {how}", "$faint")
    room = max(10, min(WIDEST, width - 40))
    lines = [Content.styled("You gave what was suggested, where the suggestion was", "$faint")]
    for name, same, size in (
        ("shown", found.shown_same, found.shown),
        ("held back", found.hidden_same, found.hidden),
    ):
        low, high = wilson(same, size)
        lines.append(
            Content.assemble(
                f"{name:<10}",
                (f"{percent(same / size):>6}", "bold"),
                f" of {size:>6,}  ",
                (_scale(low, same / size, high, room), "$primary"),
                (f"  {_ends(low, high)}", "$faint"),
            )
        )
    points = f"{found.low * 100:+.0f} to {found.high * 100:+.0f} points".replace("-", "−")
    if found.is_swayed:
        verdict = "Seeing it makes a difference"
    elif min(found.shown, found.hidden) < FEWEST:
        verdict = f"Too few to tell before {FEWEST} of each"
    else:
        verdict = "No clear difference"
    lines.append(Content(f"{verdict}: {points}, 95 % interval."))
    return Content("\n").join(lines)


def reading(found: Reading | None) -> Content:
    """How many suggestions were accepted quicker than anybody reads."""
    if found is None:
        return Content.styled("No suggestion was accepted by itself yet.", "$faint")
    share = found.too_quick / found.accepted
    return Content.assemble(
        f"Of the last {count(found.accepted, 'accepted suggestion')} ",
        (f"{found.too_quick:,} ({percent(share)})", "bold $warning" if found.is_unread else "bold"),
        f" {'was' if found.too_quick == 1 else 'were'} accepted quicker than 1,000 words a minute "
        f"({_ends(found.low, found.high)}).\n",
        ("People read some 240 words a minute.", "$faint"),
    )


def labels(parts: Sequence[Part], width: int) -> Content | None:
    """A line a label: how often it was given, how many of these got it again, and kappa; none without any."""
    rows = [
        (f"{part.given or 0:,}", percent((part.again or 0) / part.given) if part.given else "–") for part in parts
    ]
    return _table(parts, ("given", "again"), rows, width)


def table(parts: Sequence[Part], width: int) -> Content | None:
    """A line a part: how many were asked, how many answered the same, and kappa; none where there are no parts."""
    rows = [(f"{part.found.reviews:,}", percent(part.found.share)) for part in parts]
    return _table(parts, ("asked", "same"), rows, width)


def _table(
    parts: Sequence[Part], names: tuple[str, str], rows: Sequence[tuple[str, str]], width: int
) -> Content | None:
    if not parts:
        return None
    room = max(8, min(40, width - NAMES - 40))
    ends = f"0{'1':>{room - 1}}"
    lines = [Content.styled(f"{'':<{NAMES}} {names[0]:>6} {names[1]:>6}   kappa, 95 %         {ends}", "$faint")]
    for part, (number, share) in zip(parts, rows, strict=True):
        found = part.found
        pieces: list[str | tuple[str, str]] = [padded(part.name, NAMES), f" {number:>6} {share:>6}  "]
        if found.kappa is None or found.kappa_low is None or found.kappa_high is None:
            pieces.append(("one answer throughout", "$faint"))
        else:
            pieces.append((f"{found.kappa:>5.2f}".replace("-", "−"), "bold"))
            pieces.append((f" {f'({found.kappa_low:.2f} – {found.kappa_high:.2f})':<15}".replace("-", "−"), "$faint"))
            pieces.append((_scale(found.kappa_low, found.kappa, found.kappa_high, room), "$primary"))
        lines.append(Content.assemble(*pieces))
    return Content("\n").join(lines)


def _scale(low: float, middle: float, high: float, room: int) -> str:
    """An interval drawn on a scale from 0 to 1."""
    start, at, end = (max(0, min(room - 1, int(value * room))) for value in (low, middle, high))
    return "".join("●" if place == at else "━" if start <= place <= end else "·" for place in range(room))


def _ends(low: float, high: float) -> str:
    return f"{low * 100:.0f} – {high * 100:.0f} %"
