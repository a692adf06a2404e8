"""The labels with their keys, and what the model says about the review."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.phrases import percent
from core.storage.cards import Card
from core.storage.tables import Label, QueueReason

MANY = 9
"""Labels beyond which they are listed in columns, without bars."""


DOUBT = 0.5
"""Margin above which the model is not said to hesitate: three to one for its first label."""


class LabelBoard(Static):
    """One line a label: key, name, probability, and marks for the suggestion and for what was decided."""

    DEFAULT_CSS = """
    LabelBoard { height: auto; padding: 0 1; }
    """

    class Clicked(Message):
        """A label was clicked with the mouse."""

        def __init__(self, label_id: int) -> None:
            super().__init__()
            self.label_id = label_id

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[int | None] = []

    def show(
        self,
        card: Card | None,
        labels: Sequence[Label],
        counts: dict[int, int],
        chosen: Collection[int],
        hidden: bool,
        multi: bool,
    ) -> None:
        """Draw the board.

        `chosen` are labels toggled in a multi-label project and not confirmed yet; `hidden` says that the
        suggestion is put aside.
        """
        lines = [_why(card, labels, hidden, multi)]
        given = card.state.label_ids if card is not None and card.state is not None else ()
        said = None if card is None or hidden or card.audit else card.suggested
        if len(labels) <= MANY:
            width = max((len(label.name) for label in labels), default=0)
            bar = max(10, min(40, self.size.width - width - 40))
            for label in labels:
                assert label.id is not None
                marks = _marks(label.id, given, chosen, said.label_ids if said else (), multi)
                score = said.scores.get(label.id) if said else None
                lines.append(_row(label, width, bar, score, counts.get(label.id, 0), marks))
        else:
            lines += _columns(labels, given, chosen, said.label_ids if said else (), max(self.size.width, 40))
        self._rows = [None, *(label.id for label in labels)] if len(labels) <= MANY else []
        self.update(Content("\n").join(lines))

    def on_click(self, event: events.Click) -> None:
        """Give the label of the clicked line."""
        if event.y < len(self._rows) and (label_id := self._rows[event.y]) is not None:
            self.post_message(self.Clicked(label_id))


def _why(card: Card | None, labels: Sequence[Label], hidden: bool, multi: bool) -> Content:
    """Why this review comes now, and whose suggestion it is."""
    if card is None:
        return Content("")
    if card.state is not None and card.state.decision is not None:
        what = {"labelled": "labelled", "skipped": "skipped"}[card.state.decision.value]
        return Content.styled(f"Already {what}: another key changes it.", "$warning")
    if card.audit:
        held = " Suggestion held back." if card.suggested else ""
        return Content.styled(f"Audit review, drawn at random.{held}", "$faint")
    if hidden and card.suggested is not None:
        return Content.styled("Suggestion put aside.", "$faint")
    if card.reason is QueueReason.MARGIN and card.margin is not None:
        if card.margin > DOUBT:
            return Content.styled("The model is fairly sure: nothing it doubts more is left.", "$faint")
        return Content.styled(f"The model hesitates {_between(card, labels, multi)}.", "$faint")
    if card.suggested is not None:
        return Content.styled(f"Drawn at random. Suggestion of run {card.suggested.run_id}.", "$faint")
    return Content.styled("Drawn at random, to see what there is.", "$faint")


def _between(card: Card, labels: Sequence[Label], multi: bool) -> str:
    """Which labels the model cannot decide between, as half a sentence."""
    scores = card.suggested.scores if card.suggested is not None else {}
    names = {label.id: label.name for label in labels}
    if multi:
        nearest = sorted(scores, key=lambda label_id: abs(scores[label_id] - 0.5))[:1]
        return f"whether it is “{names.get(nearest[0], '?')}”" if nearest else "over a label"
    first = sorted(scores, key=lambda label_id: -scores[label_id])[:2]
    return "between " + " and ".join(f"“{names.get(label_id, '?')}”" for label_id in first)


def _marks(
    label_id: int, given: Sequence[int], chosen: Collection[int], suggested: Sequence[int], multi: bool
) -> Content:
    if label_id in chosen:
        return Content.styled(" ✓ chosen · enter confirms", "bold $accent")
    if label_id in given:
        return Content.styled(" ● given", "bold $foreground")
    if label_id in suggested:
        return Content.styled(" ◀ suggested · a" if not multi else " ◀ suggested", "bold $accent")
    return Content("")


def _row(label: Label, width: int, bar: int, score: float | None, count: int, marks: Content) -> Content:
    colour = f"$label-{label.colour}"
    parts = [
        Content.styled(f" {label.key or ' '} ", f"bold reverse {colour}"),
        Content.styled(f" {label.name:<{width}} ", f"bold {colour}"),
    ]
    if score is not None:
        full = round(score * bar)
        parts.append(Content.styled("━" * full, colour))
        parts.append(Content.styled("─" * (bar - full), "$border"))
        parts.append(Content.styled(f" {percent(score):>5}", "bold" if marks else "$faint"))
    else:
        parts.append(Content.styled(f" {count:,} so far", "$faint"))
    return Content("").join([*parts, marks])


def _columns(
    labels: Sequence[Label], given: Sequence[int], chosen: Collection[int], suggested: Sequence[int], width: int
) -> list[Content]:
    cell = max(len(label.name) for label in labels) + 6
    across = max(1, width // cell)
    down = -(-len(labels) // across)
    lines = []
    for row in range(down):
        cells = []
        for label in labels[row::down]:
            mark = "✓" if label.id in chosen else "●" if label.id in given else "◀" if label.id in suggested else " "
            style = "bold $accent" if mark != " " else f"$label-{label.colour}"
            text = f"{label.key or '·'} {label.name} {mark}"
            cells.append(Content.styled(f"{text:<{cell}}", style))
        lines.append(Content("").join(cells))
    lines.append(Content.styled("l finds a label by a part of its name", "$faint"))
    return lines
