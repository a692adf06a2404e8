"""What the mistakes screen says: how many labels are wrong, how far one is, and a suspect in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from core.labelling.session import LabellingSession
from core.mistakes import Found, Suspect
from core.phrases import count, percent
from core.storage.cards import Card
from core.storage.tables import Origin
from tui.widgets.suspect_sheet import Near, Shown, Side

ORIGINS = {
    Origin.PERSON: "given by hand",
    Origin.ACCEPTED: "an accepted suggestion",
    Origin.IMPORTED: "from the file",
}


@dataclass(frozen=True)
class Looked:
    """A suspect as it was read."""

    suspect: Suspect
    card: Card
    near: Sequence[tuple[Card, float]]
    """The nearest labelled reviews and how similar they are."""


def shown(looked: Looked, session: LabellingSession) -> Shown:
    """The suspect in words."""
    suspect, state = looked.suspect, looked.card.state
    origin = ORIGINS[state.origin] if state is not None else ""
    audit = " It is in the audit set: accuracy is measured on it." if suspect.audit else ""

    def side(who: str, label_ids: Sequence[int], share: float, aside: str, key: str) -> Side:
        return Side(who, session.names(label_ids) or "no label", _colour(session, label_ids), share, aside, key)

    def near(card: Card, similarity: float) -> Near:
        label_ids = card.state.label_ids if card.state is not None else ()
        names = session.names(label_ids) or "no label"
        return Near(similarity, names, _colour(session, label_ids), card.text)

    return Shown(
        looked.card,
        (
            side("given", suspect.given, suspect.confidence, origin, "space keeps"),
            side("model", suspect.proposed, suspect.said, "", "enter corrects"),
        ),
        f"Chance that the given label is wrong: {percent(suspect.chance)}.{audit}",
        [near(card, similarity) for card, similarity in looked.near],
    )


def _colour(session: LabellingSession, label_ids: Sequence[int]) -> str:
    first = next((one for one in session.scheme if one.id in label_ids), None)
    return f"$label-{first.colour}" if first is not None else "$faint"


def heading(found: Found, at: int, judged: Mapping[int, bool]) -> Content:
    """Which suspect is up and how many mistakes are to be expected from it on, and of how many labels."""
    left = sum(one.chance for one in found.suspects[at:] if one.review_id not in judged)
    return Content.assemble(
        (f"Suspect {at + 1:,} of {len(found.suspects):,}", "bold $primary"),
        f"  From here on about {left:,.0f} {'is' if round(left) == 1 else 'are'} wrong.",
        (f"\n{expected(found)}{so_far(found, judged)}", "$faint"),
    )


def so_far(found: Found, judged: Mapping[int, bool]) -> str:
    """How many suspects a person has judged, ever, and how many of them were mistakes."""
    looked = found.judged
    many = len(judged) + (looked.looked_at if looked is not None else 0)
    corrected = sum(judged.values()) + (looked.corrected if looked is not None else 0)
    return f" {count(many, 'suspect')} judged so far, {corrected:,} corrected." if many else ""


def expected(found: Found) -> str:
    """How many labels are expected to be wrong, with the interval."""
    expected, low, high = found.count_of_wrong()
    share = percent(found.wrong.expected, 1)
    return f"Of {count(found.answered, 'label')} about {expected:,} are wrong ({share}; 95 %: {low:,} to {high:,})."
