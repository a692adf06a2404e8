"""What the accept screen reads and computes, in threads: the ground of all lines, the lines, and one of them."""

from __future__ import annotations

from dataclasses import dataclass

from core.accepting import promises
from core.accepting.candidates import Gathered, gather
from core.accepting.promises import Line
from core.evaluate.risk import SHARES
from core.labelling.session import LabellingSession
from core.report import Measured
from core.storage import cards, runs
from core.storage.cards import Card
from tui.run_facts import name_of
from tui.widgets.accept_lines import Choices, Example
from tui.widgets.accept_sheet import Chosen

Own = tuple[float | None, float | None]
"""A share of wrong ones or a probability that somebody named."""


@dataclass(frozen=True)
class Ground:
    """What all lines stand on, as of one moment."""

    gathered: Gathered
    run: str
    """The run's name."""
    calibration_error: float | None
    """Of the run's probabilities on the audit set."""

    @property
    def chosen(self) -> Chosen:
        """What is known of any line."""
        return Chosen(calibration_error=self.calibration_error, audit_left=len(self.gathered.open_audit))


def read(session: LabellingSession) -> Ground:
    """Gather what could be accepted, after all that was decided so far. Raises LabelloopError."""
    session.writer.flush()
    with session.database.reading() as reading:
        gathered = gather(reading)
        run = runs.existing(reading, gathered.run_id)
        stored = run.metrics.get("audit")
    measured = Measured.from_json(stored) if stored else None
    calibration = measured.calibration if measured is not None else None
    return Ground(gathered, name_of(run), calibration.after.ece if calibration is not None else None)


def lines(ground: Ground, label_id: int | None, own: Own | None) -> Choices:
    """A line for each share that is offered, and for what somebody named."""
    found = [promises.line(ground.gathered, max_wrong=share, label_id=label_id) for share in SHARES]
    if own is not None:
        found.append(promises.line(ground.gathered, *own, label_id))
    evidence = ground.gathered.evidence(label_id)
    return Choices(tuple(found), len(evidence.pool), len(evidence.audit))


def look(session: LabellingSession, ground: Ground, line: Line, label_id: int | None) -> Chosen:
    """What a line comes to, by label too, and some of the reviews it would accept, drawn anew each time."""
    gathered, known = ground.gathered, ground.chosen
    if line.promise is None:
        return known
    threshold = line.promise.threshold
    likely = gathered.likely.confidences[gathered.chosen(threshold, label_id)]
    with session.database.reading() as reading:
        drawn = cards.cards(reading, gathered.drawn(threshold, label_id), session.multi)
    return Chosen(
        float((1 - likely).sum()),
        known.calibration_error,
        known.audit_left,
        promises.by_label(gathered, threshold, max_wrong=line.max_wrong) if label_id is None else (),
        [_example(session, card) for card in drawn],
    )


def _example(session: LabellingSession, card: Card) -> Example:
    said = card.suggested
    label_ids = said.label_ids if said is not None else ()
    first = next((one for one in session.scheme if one.id in label_ids), None)
    return Example(
        said.probability if said is not None else 0.0,
        session.names(label_ids) or "no label",
        f"$label-{first.colour}" if first is not None else "$faint",
        card.text,
    )
