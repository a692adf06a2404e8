"""How good a run is on the audit set, beside the keyword rule and the majority class."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlmodel import Session, col, select

from core.evaluate import baselines
from core.evaluate.merging import merged
from core.evaluate.metrics import Scores, indicator, scores
from core.labels import SchemeKind
from core.storage import learning, scheme
from core.storage.database import project_of
from core.storage.tables import Run, Suggestion


@dataclass(frozen=True)
class Measured:
    """Scores on the labelled reviews of the audit set, all on the same reviews."""

    run_id: int | None
    audit_size: int
    model: Scores | None
    """None when there is no run, or no audit review it has said something about."""
    keyword_rule: Scores | None
    majority_class: Scores | None

    def to_json(self) -> dict[str, Any]:
        """The form in the database and of `--json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Measured:
        """Read the form in the database."""
        parts = ("model", "keyword_rule", "majority_class")
        read = {part: Scores.from_json(data[part]) if data[part] else None for part in parts}
        return cls(data["run_id"], data["audit_size"], **read)


def measure(session: Session, run: Run | None) -> Measured:
    """Score a run's suggestions against the labels that people gave to the audit set.

    Reviews are taken at random into the audit set and never trained on, so the scores hold for all reviews.
    """
    multi = project_of(session).kind is SchemeKind.MULTI
    labels = [label for label in scheme.labels(session, archived=True) if label.merged_into is None]
    position = {label.id: index for index, label in enumerate(labels)}
    names = [label.name for label in labels]
    audit = learning.examples(session, audit=True)
    predicted = _predictions(session, run, position, multi) if run is not None else {}
    if run is not None:
        audit = [example for example in audit if example.review_id in predicted]
    if not audit:
        return Measured(run.id if run else None, 0, None, None, None)
    true = indicator([[position[label] for label in example.label_ids] for example in audit], len(labels))
    trained = learning.examples(session, audit=False) or audit
    seen = indicator([[position[label] for label in example.label_ids] for example in trained], len(labels))
    rule = baselines.KeywordRule(names, [label.keywords for label in labels], multi)
    by_rule = rule.predict([example.text for example in audit], baselines.majority_label(seen))
    by_majority = baselines.majority_class(seen, len(audit), multi)
    by_model = None
    if run is not None:
        chosen = indicator([predicted[example.review_id] for example in audit], len(labels))
        by_model = scores(f"run {run.id}", names, true, chosen, multi)
    return Measured(
        run_id=run.id if run else None,
        audit_size=len(audit),
        model=by_model,
        keyword_rule=scores("keyword rule", names, true, by_rule, multi),
        majority_class=scores("majority class", names, true, by_majority, multi),
    )


def _predictions(session: Session, run: Run, position: dict[int | None, int], multi: bool) -> dict[int, list[int]]:
    """Positions of the labels that a run gives to reviews, by review id.

    A label that was merged away since counts as the one it was merged into; labels that undo took out are left
    out.
    """
    stands = scheme.standing(session)
    meant = [stands.get(label_id, label_id) for label_id in run.label_ids]
    distinct = list(dict.fromkeys(meant))
    order = [position.get(label_id) for label_id in distinct]
    columns = [distinct.index(label_id) for label_id in meant]
    rows = session.exec(select(Suggestion.review_id, Suggestion.scores).where(col(Suggestion.run_id) == run.id)).all()
    if not rows:
        return {}
    said = np.frombuffer(b"".join(packed for _, packed in rows), dtype="<f4").reshape(len(rows), len(columns))
    found: dict[int, list[int]] = {}
    for (review_id, _), values in zip(rows, merged(said, columns, multi), strict=True):
        chosen = np.flatnonzero(values >= 0.5) if multi else [int(values.argmax())]
        found[review_id] = [at for index in chosen if (at := order[index]) is not None]
    return found
