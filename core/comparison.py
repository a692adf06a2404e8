"""Two runs beside each other: which is better, label by label, and what they say differently."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlmodel import Session

from core import held_out
from core.common_ground import LogLosses, log_losses
from core.errors import ModelError
from core.evaluate import paired
from core.evaluate.metrics import Scores, scores
from core.evaluate.paired import Paired
from core.flips import Flip, flips
from core.held_out import Answers, Columns
from core.phrases import count, percent
from core.storage import learning
from core.storage.learning import Example
from core.storage.quick_run import LOG_LOSS, ON_A_RUNS_REVIEWS
from core.storage.tables import Run, RunKind
from core.storage.versions import CHOSEN

__all__ = [
    "Comparison",
    "Difference",
    "Flip",
    "LabelDifference",
    "OnAudit",
    "compare",
    "on_audit",
    "replaces",
    "speaks",
]

FEWEST_TO_COMPARE = 20
"""Audit reviews below which one run is not called worse than another: 95 % intervals are over ±20 points."""

CHANCE = 0.2
"""Below so many audit reviews, the p-value of the paired test under which the audit set speaks against a run: 4 that
became wrong and none right."""

CLEARLY = 0.02
"""Share of the log-loss by which the quick learner has to be better than a fine-tuned model to take its place: from
one label to the next its own moves by about as much."""

FACTS = ("base_model", "train_size", "validation_size", "device", "precision")
"""What is told of runs beside their arguments where it differs."""


@dataclass(frozen=True)
class LabelDifference:
    """A label's F1 by both runs."""

    label: str
    run: float
    against: float
    support: int
    """Reviews that have it."""

    @property
    def difference(self) -> float:
        """The run's F1 minus that of the one compared with."""
        return self.run - self.against


@dataclass(frozen=True)
class OnAudit:
    """Both runs on exactly the same labelled audit reviews."""

    run: Scores
    against: Scores
    paired: Paired
    sentence: str
    """The verdict in words."""
    labels: tuple[LabelDifference, ...]
    changed: int
    """Reviews the two label differently."""
    to_right: int
    """Of these, those that the run has right and the other wrong."""
    to_wrong: int
    """The other way about; the rest is wrong by both."""


@dataclass(frozen=True)
class Difference:
    """An argument or fact in which two runs differ; None where one has none."""

    name: str
    run: Any
    against: Any


@dataclass(frozen=True)
class Comparison:
    """A run beside another one; what is better or worse is said of the first."""

    run_id: int
    against_id: int
    audit: OnAudit | None
    """None when no labelled audit review has suggestions of both."""
    sentence: str
    """The verdict in words, or why there is none."""
    both: int
    """Reviews with suggestions of both runs."""
    changed: int
    """How many of them the two label differently."""
    flips: tuple[Flip, ...]
    """From label to label, the most frequent first."""
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """The form of `--json`."""
        return asdict(self)


def compare(session: Session, run: Run, against: Run) -> Comparison:
    """Compare a run with another one, from their stored suggestions.

    With a million suggestions of each and 100,000 labelled reviews it takes some six seconds on two busy cores.
    Raises ModelError for a run that was never stored.
    """
    audit = on_audit(session, run, against)
    both, changed, flipped = flips(session, run, against)
    return Comparison(
        run_id=_number(run),
        against_id=_number(against),
        audit=audit,
        sentence=audit.sentence if audit else _nothing_in_common(run, against),
        both=both,
        changed=changed,
        flips=flipped,
        differences=differences(run, against),
    )


def on_audit(session: Session, run: Run, against: Run) -> OnAudit | None:
    """Both runs on the labelled audit reviews that have suggestions of both; None when there is none."""
    columns, names = held_out.columns(session), (f"run {_number(run)}", f"run {_number(against)}")
    examples, mine, others = _common(session, run, against, columns)
    if not examples:
        return None
    true = columns.true(examples)
    of_run, of_other = (
        scores(name, columns.names, true, answers.chosen, columns.multi)
        for name, answers in zip(names, (mine, others), strict=True)
    )
    found = paired.compare(true, mine.chosen, others.chosen)
    right, was_right = ((true == answers.chosen).all(axis=1) for answers in (mine, others))
    return OnAudit(
        run=of_run,
        against=of_other,
        paired=found,
        sentence=paired.sentence(found, *names, columns.multi),
        labels=tuple(
            LabelDifference(one.label, one.f1, other.f1, one.support)
            for one, other in zip(of_run.labels, of_other.labels, strict=True)
        ),
        changed=int((mine.chosen != others.chosen).any(axis=1).sum()),
        to_right=int((right & ~was_right).sum()),
        to_wrong=int((was_right & ~right).sum()),
    )


def _common(session: Session, run: Run, against: Run, columns: Columns) -> tuple[list[Example], Answers, Answers]:
    """The labelled audit reviews that both have suggestions for, and the answers on these."""
    examples = learning.examples(session, audit=True)
    ids = [example.review_id for example in examples]
    mine, others = (held_out.suggested(session, one, columns, ids) for one in (run, against))
    known = set(mine.review_ids) & set(others.review_ids)
    examples = [example for example in examples if example.review_id in known]
    ids = [example.review_id for example in examples]
    return examples, mine.of(ids), others.of(ids)


def replaces(session: Session, new_run: Run, run_in_use: Run) -> tuple[bool, str]:
    """Whether a run may take the place of the one in use by itself, and a sentence that says why.

    It does unless it does worse on the labelled audit reviews that have suggestions of both, and these are at least
    `FEWEST_TO_COMPARE`: worse is fewer of them right (multi-label: more with more labels wrong than the other way
    about), whether the paired test is sure of it or not. Where one of them is the quick learner it has to have the
    lower log-loss too, see `speaks`, and fewer audit reviews count where chance would hardly say the same. Nothing is
    written.
    """
    new, old = f"run {_number(new_run)}", f"run {_number(run_in_use)}"
    comes = f"Suggestions come from {new} now."
    if new_run.id == run_in_use.id:
        return True, comes
    audit = on_audit(session, new_run, run_in_use)
    if RunKind.QUICK in (new_run.kind, run_in_use.kind):
        takes_over, why = speaks(new_run, run_in_use, log_losses(session, new_run, run_in_use))
        if takes_over and audit is not None and _is_worse(audit):
            became = f"{audit.to_wrong:,} of {audit.paired.size:,} audit reviews became wrong"
            old, told = _called(run_in_use), f"{became} and {audit.to_right:,} right"
            return False, f"Suggestions still come from {old}: with {_called(new_run)} {told}."
        return takes_over, why
    if audit is None:
        return True, f"{comes} {_nothing_in_common(new_run, run_in_use)}"
    size = audit.paired.size
    if size < FEWEST_TO_COMPARE:
        common = f"{count(size, 'labelled audit review')} {'has' if size == 1 else 'have'} suggestions of both"
        return True, f"{comes} Only {common} it and {old}: too few to compare them."
    mine, others = percent(audit.run.accuracy, 1), percent(audit.against.accuracy, 1)
    scored = f"has {mine} of {size:,} audit reviews right, {old} {others}"
    if audit.paired.broken <= audit.paired.fixed:
        return True, f"{comes} It {scored}. {audit.sentence}"
    return False, f"{new.capitalize()} {scored}: suggestions still come from {old}. {audit.sentence}"


def _is_worse(audit: OnAudit) -> bool:
    """Whether the audit set speaks against a run: on few reviews only where chance would hardly say the same."""
    found = audit.paired
    return found.broken > found.fixed and (found.size >= FEWEST_TO_COMPARE or found.p < CHANCE)


def speaks(new_run: Run, run_in_use: Run, common: LogLosses | None = None) -> tuple[bool, str]:
    """Which of two learners speaks, by their out-of-sample log-loss, and why, in a sentence.

    It is that on their `common` reviews, else what is stored with each: with a run of few labels the quick learner's
    too, on the same reviews, while the quick learner's own is of later and harder ones. The quick learner takes the
    place of a fine-tuned model only when it is better by `CLEARLY`, so that the two do not take turns, and never that
    of a run which a person has put in use. A run without that measure, as those of older versions are, keeps its
    place against the quick learner, and takes the place of it.
    """
    new, old = _called(new_run), _called(run_in_use)
    mine, other = new_run.metrics.get(LOG_LOSS), run_in_use.metrics.get(LOG_LOSS)
    where = ""
    if common is not None and mine is not None and other is not None:
        mine, other, where = common.mine, common.others, f" on the {common.size:,} reviews that measure both"
    quick = new_run.kind is RunKind.QUICK
    tuned = run_in_use if quick else new_run
    if common is None and mine is not None and other is not None and ON_A_RUNS_REVIEWS in tuned.metrics:
        quicks, where = tuned.metrics[ON_A_RUNS_REVIEWS], f" on the reviews that run {tuned.id} was measured on"
        mine, other = (quicks, other) if quick else (mine, quicks)
    if quick and run_in_use.metrics.get(CHOSEN):
        return False, f"Suggestions still come from {old}, which a person has chosen."
    if mine is None or other is None:
        return not quick, f"Suggestions come from {old if quick else new}."
    if mine < other * (1 - CLEARLY if quick else 1):
        return True, f"Suggestions come from {new} now: its log-loss{where} is {mine:.3f}, that of {old} {other:.3f}."
    return False, f"Suggestions still come from {old}: its log-loss{where} is {other:.3f}, that of {new} {mine:.3f}."


def _called(run: Run) -> str:
    return "the quick learner" if run.kind is RunKind.QUICK else f"run {_number(run)}"


def differences(run: Run, against: Run) -> tuple[Difference, ...]:
    """Arguments in which the runs differ, then facts; an argument that is a fact too is named once."""
    names = dict.fromkeys([*run.arguments, *against.arguments])
    found = [Difference(name, run.arguments.get(name), against.arguments.get(name)) for name in names]
    found += [Difference(name, getattr(run, name), getattr(against, name)) for name in FACTS if name not in names]
    return tuple(one for one in found if one.run != one.against)


def _nothing_in_common(run: Run, against: Run) -> str:
    return (
        f"No labelled audit review has suggestions of both run {run.id} and run {against.id}, "
        "so that they cannot be compared by what is right."
    )


def _number(run: Run) -> int:
    if run.id is None:
        raise ModelError("The run is not stored.", "Store it before comparing it.")
    return run.id
