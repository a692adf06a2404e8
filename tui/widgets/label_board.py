"""The labels with their keys, and what the model says about the review."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from core.labels import KEYS, codes
from core.phrases import percent
from core.storage.cards import Card, Suggested
from core.storage.tables import Label, QueueReason

MANY = len(KEYS)
"""Labels beyond which only the most probable are shown here, and all of them in the list beside."""

NEAR = 10
"""Of many labels, how many are shown at most: one for every last digit."""


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
        self._height = 0
        """Lines drawn last; a layout is made only when it changes."""

    def show(
        self,
        card: Card | None,
        labels: Sequence[Label],
        counts: dict[int, int],
        chosen: Collection[int],
        hidden: bool,
        multi: bool,
        typed: str = "",
    ) -> None:
        """Draw the board.

        `chosen` are labels toggled in a multi-label project and not confirmed yet; `hidden` says that the
        suggestion is put aside; `typed` are the first digits of a label's number.
        """
        given = card.state.label_ids if card is not None and card.state is not None else ()
        said = None if card is None or hidden or card.audit else card.suggested
        code = codes([(label.id, label.key) for label in labels if label.id is not None])
        many = len(labels) > MANY
        shown = _near(labels, code, typed, said, chosen, given) if many else labels
        width = max((len(label.name) for label in shown), default=0)
        bar = max(10, min(40, self.size.width - width - 40))
        lines = [_many(len(labels), typed) if many and (typed or said is None) else _why(card, labels, hidden, multi)]
        for label in shown:
            assert label.id is not None
            marks = _marks(label.id, given, chosen, said.label_ids if said else (), multi)
            score = said.scores.get(label.id) if said else None
            lines.append(_row(label, code[label.id], width, bar, score, counts.get(label.id, 0), marks))
        if many:
            lines += [Content("")] * (1 + NEAR - len(lines))
        self._rows = [None, *(label.id for label in shown)]
        self.update(Content("\n").join(lines), layout=len(lines) != self._height)
        self._height = len(lines)

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


def _near(
    labels: Sequence[Label],
    code: dict[int, str],
    typed: str,
    said: Suggested | None,
    chosen: Collection[int],
    given: Collection[int],
) -> list[Label]:
    """Of many labels those to show: the ones whose number begins as typed, else chosen, given, most probable."""
    if typed:
        return [label for label in labels if code[label.id or 0].startswith(typed)][:NEAR]
    scores = said.scores if said is not None else {}
    ranked = sorted(
        labels,
        key=lambda label: (label.id not in chosen, label.id not in given, -scores.get(label.id or 0, 0.0)),
    )
    wanted = NEAR if said is not None else max(len(chosen), len(given))
    return ranked[: min(NEAR, wanted)]


def _many(labels: int, typed: str) -> Content:
    """How to give one of many labels."""
    if typed:
        return Content.assemble(
            (f"{typed}_ ", "bold $accent"), ("type the rest of the number · esc forgets it", "$faint")
        )
    return Content.styled(f"{labels} labels: type a label’s number, or l and a part of its name.", "$faint")


def _row(label: Label, code: str, width: int, bar: int, score: float | None, count: int, marks: Content) -> Content:
    colour = f"$label-{label.colour}"
    parts = [
        Content.styled(f" {code or ' '} ", f"bold reverse {colour}"),
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
