"""The labels with their keys, and what the model says about the review."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.strip import Strip

from core.labels import KEYS, codes
from core.phrases import percent
from core.storage.cards import Card, Suggested
from core.storage.tables import Label, QueueReason
from tui.widgets.lines import Lines, Piece

MANY = len(KEYS)
"""Labels beyond which only the most probable are shown here, and all of them in the list beside."""

NEAR = 10
"""Of many labels, how many are shown at most: one for every last digit."""


DOUBT = 0.5
"""Margin above which the model is not said to hesitate: three to one for its first label."""


NUMBERED = {
    QueueReason.CONFIDENCE: "The model is unsure: it gives its best label {share}.",
    QueueReason.ENTROPY: "The model’s doubt is spread over the labels: {share} of the most possible.",
    QueueReason.COVER: "Stands for {share} of the reviews, none of which is labelled yet.",
    QueueReason.DISTANCE: "Unlike everything labelled so far: distance {number:.2f}.",
    QueueReason.DENSITY: "Many reviews are like it: similarity {number:.2f}.",
    QueueReason.DISAGREEMENT: "The two learners disagree about it: {number:.2f} of 1.",
    QueueReason.SIMILAR: "Like the review you chose: similarity {number:.2f}.",
}
"""What is said of a review that comes for a reason, with the reason's number."""


@dataclass(frozen=True)
class Shown:
    """What stands on the board."""

    card: Card | None
    labels: Sequence[Label]
    counts: Mapping[int, int]
    """Reviews by label."""
    chosen: Collection[int]
    """Labels toggled in a multi-label project and not confirmed yet."""
    hidden: bool
    """The suggestion is put aside."""
    multi: bool
    typed: str = ""
    """First digits of a label's number."""
    because: str = ""
    """Why the review comes up, where a person has asked for it."""

    @property
    def given(self) -> Sequence[int]:
        """Labels that the review has."""
        return self.card.state.label_ids if self.card is not None and self.card.state is not None else ()

    @property
    def said(self) -> Suggested | None:
        """The suggestion that may be seen."""
        return None if self.card is None or self.hidden or self.card.held_back else self.card.suggested


class LabelBoard(Lines):
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
        self._shown: Shown | None = None
        self._rows: list[int | None] = []

    def show(self, shown: Shown) -> None:
        """Draw the board."""
        self._shown = shown
        self.redraw()

    def drawn(self, width: int) -> list[Strip]:
        shown = self._shown
        if shown is None:
            return []
        code = codes([(label.id, label.key) for label in shown.labels if label.id is not None])
        many = len(shown.labels) > MANY
        labels = _near(shown, code) if many else shown.labels
        name_width = max((len(label.name) for label in labels), default=0)
        bar = max(10, min(40, width - name_width - 36))
        first = _many(len(shown.labels), shown.typed) if many and (shown.typed or shown.said is None) else _why(shown)
        lines = [self.line([first], width)]
        for label in labels:
            assert label.id is not None
            lines.append(self.line(_row(shown, label, code[label.id], name_width, bar), width))
        if many:
            lines += [self.line([], width)] * (1 + NEAR - len(lines))
        self._rows = [None, *(label.id for label in labels)]
        return lines

    def on_click(self, event: events.Click) -> None:
        """Give the label of the clicked line."""
        if event.y < len(self._rows) and (label_id := self._rows[event.y]) is not None:
            self.post_message(self.Clicked(label_id))


def _why(shown: Shown) -> Piece:
    """Why this review comes now, and whose suggestion it is."""
    card = shown.card
    if card is None:
        return "", ""
    if card.state is not None and card.state.decision is not None:
        what = {"labelled": "labelled", "skipped": "skipped"}[card.state.decision.value]
        return f"Already {what}: another key changes it.", "$warning"
    if card.audit:
        held = " Suggestion held back." if card.suggested else ""
        return f"Audit review, drawn at random.{held}", "$faint"
    if card.withheld and card.suggested is not None:
        return "Suggestion held back here, to see whether suggestions sway you.", "$faint"
    if shown.hidden and card.suggested is not None:
        return "Suggestion put aside.", "$faint"
    return (shown.because or _reason(card, shown)), "$faint"


def _reason(card: Card, shown: Shown) -> str:
    """The reason with its number, in words."""
    number, reason = card.number, card.reason
    if number is not None:
        scores = card.suggested.scores if card.suggested is not None else {}
        if reason is QueueReason.MARGIN:
            return _hesitation(card, shown, number)
        if reason in (QueueReason.LABEL, QueueReason.RARE):
            name = next((one.name for one in shown.labels if one.id == card.reason_label), "?")
            what = "which few reviews have so far" if reason is QueueReason.RARE else "which was asked for"
            return f"May be “{name}”, {what}: {percent(scores.get(card.reason_label or 0, number))}."
        if reason in NUMBERED:
            return NUMBERED[reason].format(number=number, share=percent(number))
    if card.suggested is not None:
        by = "the quick learner" if card.suggested.quick else f"run {card.suggested.run_id}"
        return f"Drawn at random. Suggestion of {by}."
    return "Drawn at random, to see what there is."


def _hesitation(card: Card, shown: Shown, planned: float) -> str:
    """How near each other the labels are in the suggestion that is shown: it is newer than the queue's number."""
    scores = sorted(card.suggested.scores.values(), reverse=True) if card.suggested is not None else []
    if shown.multi and scores:
        now = min(abs(2 * score - 1) for score in scores)
    else:
        now = scores[0] - scores[1] if len(scores) > 1 else planned
    if now <= DOUBT:
        return f"The model hesitates {_between(card, shown)}: {_apart(now)}."
    if planned <= DOUBT:
        return "The model hesitated over it, and has learned since."
    return "The model is fairly sure, but there are few that it doubts more."


def _apart(number: float) -> str:
    points = round(100 * number)
    return ("a tie", "1 point apart")[points] if points < 2 else f"{points} points apart"


def _between(card: Card, shown: Shown) -> str:
    """Which labels the model cannot decide between, as half a sentence."""
    scores = card.suggested.scores if card.suggested is not None else {}
    names = {label.id: label.name for label in shown.labels}
    if shown.multi:
        nearest = sorted(scores, key=lambda label_id: abs(scores[label_id] - 0.5))[:1]
        return f"whether it is “{names.get(nearest[0], '?')}”" if nearest else "over a label"
    first = sorted(scores, key=lambda label_id: -scores[label_id])[:2]
    return "between " + " and ".join(f"“{names.get(label_id, '?')}”" for label_id in first)


def _near(shown: Shown, code: Mapping[int, str]) -> list[Label]:
    """Of many labels those to show: the ones whose number begins as typed, else chosen, given, most probable."""
    if shown.typed:
        return [label for label in shown.labels if code[label.id or 0].startswith(shown.typed)][:NEAR]
    scores = shown.said.scores if shown.said is not None else {}
    ranked = sorted(
        shown.labels,
        key=lambda label: (
            label.id not in shown.chosen,
            label.id not in shown.given,
            -scores.get(label.id or 0, 0.0),
        ),
    )
    wanted = NEAR if shown.said is not None else max(len(shown.chosen), len(shown.given))
    return ranked[: min(NEAR, wanted)]


def _many(labels: int, typed: str) -> Piece:
    """How to give one of many labels."""
    if typed:
        return f"{typed}_ type the rest of the number · esc forgets it", "bold $accent"
    return f"{labels} labels: type a label’s number, or l and a part of its name.", "$faint"


def _row(shown: Shown, label: Label, code: str, width: int, bar: int) -> list[Piece]:
    colour = f"$label-{label.colour}"
    mark = _mark(shown, label.id or 0)
    pieces = [(f" {code or ' '} ", f"bold reverse {colour}"), (f" {label.name:<{width}} ", f"bold {colour}")]
    score = shown.said.scores.get(label.id or 0) if shown.said else None
    if score is None:
        pieces.append((f" {shown.counts.get(label.id or 0, 0):,} so far", "$faint"))
    else:
        full = round(score * bar)
        pieces += [("━" * full, colour), ("─" * (bar - full), "$border")]
        pieces.append((f" {percent(score):>5}", "bold" if mark[0] else "$faint"))
    return [*pieces, mark]


def _mark(shown: Shown, label_id: int) -> Piece:
    if label_id in shown.chosen:
        return " ✓ chosen · enter confirms", "bold $accent"
    if label_id in shown.given:
        return " ● given", "bold $foreground"
    if shown.said is not None and label_id in shown.said.label_ids:
        return " ◀ suggested" if shown.multi else " ◀ suggested · a", "bold $accent"
    return "", ""
