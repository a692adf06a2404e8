"""What is promised of accepting, and what is said where nothing can be promised."""

from __future__ import annotations

from dataclasses import dataclass

from core.accepting.candidates import Gathered
from core.errors import LabelloopError
from core.evaluate import risk
from core.evaluate.risk import CONFIDENCE, Evidence, Promise
from core.phrases import count, percent

UNSETTLED = "The quick learner is bringing its suggestions up to date; what is said here is of different moments."
"""Said where suggestions of several of its fits stand beside each other."""


@dataclass(frozen=True)
class Line:
    """A share or a probability that somebody may ask for, and what comes of it."""

    max_wrong: float | None
    """The share; None where a probability is asked for."""
    promise: Promise | None
    """None where it cannot be promised."""
    reviews: int = 0
    """What is accepted, copies included."""
    whichever: int = 0
    """The most wrong ones if this line is chosen after comparing lines."""
    refused: str = ""
    """Why it cannot be promised."""
    missing: int | None = None
    """About how many more audit labels it takes; None where more would not help."""


def line(
    gathered: Gathered,
    max_wrong: float | None = None,
    at_least: float | None = None,
    label_id: int | None = None,
    confidence: float = CONFIDENCE,
) -> Line:
    """One share or one probability. Exactly one of the two is asked for."""
    evidence = gathered.evidence(label_id)
    try:
        found = promise(gathered, at_least, max_wrong, label_id, confidence)
    except LabelloopError as error:
        missing = None if max_wrong is None else risk.missing_labels(evidence, max_wrong, confidence)
        return Line(max_wrong, None, refused=str(error), missing=missing)
    most = risk.whichever(evidence, found.threshold, confidence)
    return Line(max_wrong, found, gathered.reviews(found.threshold, label_id), most)


@dataclass(frozen=True)
class LabelPart:
    """The suggestions of one label among those at a threshold."""

    label_id: int
    name: str
    promise: Promise
    alone: Line | None = None
    """What comes of asking for the same share of this label alone; None where a probability is asked for."""


def promise(
    gathered: Gathered,
    at_least: float | None = None,
    max_wrong: float | None = None,
    label_id: int | None = None,
    confidence: float = CONFIDENCE,
) -> Promise:
    """What is promised of accepting at a threshold, or of as many as possible with at most a share wrong.

    Exactly one of the two is asked for. Raises LabelloopError where the share cannot be promised, saying how many
    more audit labels it would take, and where there is nothing to accept.
    """
    if (at_least is None) == (max_wrong is None):
        raise ValueError("ask for a threshold or for a share")
    evidence = gathered.evidence(label_id)
    if at_least is not None:
        found = risk.at_least(evidence, at_least, confidence)
        if not found.accepted:
            raise LabelloopError(
                f"No open suggestion is at {number(at_least)} or more.", "Name a lower probability, or suggest anew."
            )
        return found
    assert max_wrong is not None
    bounded = risk.at_most_share(evidence, max_wrong, confidence)
    if bounded is None:
        raise LabelloopError(*refusal(gathered, evidence, max_wrong, confidence))
    return bounded


def by_label(
    gathered: Gathered, threshold: float, confidence: float = CONFIDENCE, max_wrong: float | None = None
) -> list[LabelPart]:
    """What a threshold comes to for the suggestions of each label; every bound holds by itself, not all at once.

    With `max_wrong` also what each label comes to when that share is asked for of it alone, at its own threshold.
    """
    names = dict(zip(gathered.columns.ids, gathered.columns.names, strict=True))
    return [
        LabelPart(
            label_id,
            names[label_id],
            risk.at_least(gathered.evidence(label_id), threshold, confidence),
            line(gathered, max_wrong, None, label_id, confidence) if max_wrong is not None else None,
        )
        for label_id in gathered.offered
    ]


def in_words(found: Promise) -> str:
    """“1,240 suggestions at 0.95 or more: expect 31 wrong, at most 52 with 95 % confidence.”"""
    return (
        f"{count(found.accepted, 'suggestion')} at {number(found.threshold)} or more: expect "
        f"{found.expected_wrong:,.0f} wrong, at most {found.at_most_wrong:,} ({percent(found.share, 1)}) "
        f"with {percent(found.confidence)} confidence."
    )


def stands_on(found: Promise) -> str:
    """What the promise was made from."""
    if not found.audited:
        return (
            "No audit review at this probability is labelled, so all of them may be wrong: label some of those first."
        )
    of = f"{found.found_wrong:,} of {count(found.audited, 'labelled audit review')}"
    return f"The audit set says so: the suggestion is wrong for {of} at this probability or more."


def refusal(gathered: Gathered, evidence: Evidence, share: float, confidence: float = CONFIDENCE) -> tuple[str, str]:
    """Why a share cannot be promised, and what to do about it."""
    if not len(evidence.pool):
        return "There is no open suggestion to accept.", "Suggest labels first, or choose another label."
    wanted = in_percent(share)
    more = risk.missing_labels(evidence, share, confidence)
    if more is None:
        why = (
            f"Cannot promise {wanted}: by what the audit set shows, even the surest suggestions are wrong more often."
        )
        return why, "Allow a larger share, or label more and train again."
    remedy = f"About {more:,} more audit labels would do, should the model be as good as it seems."
    left = len(gathered.open_audit)
    if more > left:
        remedy += f" The audit set has {left:,} left to label, so allow a larger share too, or import more reviews."
    return f"Cannot promise {wanted} yet, with {count(len(evidence.audit), 'audit label')}.", remedy


def in_percent(share: float) -> str:
    """A share as it was asked for: 2 %, 0.5 %."""
    return percent(share, 0 if round(share * 100, 6).is_integer() else 1)


def number(threshold: float) -> str:
    """A threshold as people read it, never above the reviews that it lets through."""
    shown = int(threshold * 10_000 + 1e-9) / 10_000
    return f"{shown:.4f}".rstrip("0").rstrip(".") if shown < 1 else "1"
