"""How good a run is, in sentences: what it was measured on, with its interval, beside the simple rules."""

from __future__ import annotations

from sqlmodel import Session

from core import report
from core.evaluate.metrics import Scores
from core.phrases import percent
from core.report import Measured
from core.storage.database import project_of
from core.storage.tables import Run
from tui.widgets.scores import interval

LARGE = 2_000
"""Audit reviews from which the worker's own measurement is shown. To measure 20,000 anew takes seconds and 60 MB, in
the process that draws the screen, and what was labelled since moves no figure."""


def measured_of(session: Session, run: Run) -> Measured | None:
    """What can be measured of a run now, else what was measured when it was made; None where nothing was."""
    stored = run.metrics.get("audit")
    if run.suggested and not _is_large(run):
        return report.measure(session, run)
    return Measured.from_json(stored) if stored else None


def _is_large(run: Run) -> bool:
    stored = run.metrics.get("audit")
    return stored is not None and int(stored["audit_size"]) >= LARGE


def to_go_by(measured: Measured) -> tuple[Scores | None, Scores | None, Scores | None]:
    """Model, keyword rule and majority class: by cross-validation while the audit set is small."""
    found = measured.cross_validation
    if found is not None:
        return found.model, found.keyword_rule, found.majority_class
    return measured.model, measured.keyword_rule, measured.majority_class


def said_of(session: Session, run: Run) -> list[str]:
    """What is known of how good a run is, and whether it is better than the one in use; nothing where nothing is."""
    measured = measured_of(session, run)
    model, rule, majority = to_go_by(measured) if measured is not None else (None, None, None)
    if measured is None or model is None:
        return []
    said = [
        f"Run {run.id} labels {percent(model.accuracy, 1)} right; 95 % interval "
        f"{interval(model.accuracy_low, model.accuracy_high)}. {measured.basis}"
    ]
    if rule is not None and majority is not None:
        said.append(
            f"The keyword rule labels {percent(rule.accuracy, 1)} right, the majority class "
            f"{percent(majority.accuracy, 1)}."
        )
    if verdict := verdict_of(session, run):
        said.append(verdict)
    return said


def verdict_of(session: Session, run: Run) -> str:
    """Whether a run is better than the one in use, or the run in use than the one before; empty without another."""
    from core import comparison
    from core.storage import versions

    in_use = project_of(session).run_in_use
    before = versions.before(session)
    other = in_use if in_use != run.id else before.id if before is not None else None
    rival = session.get(Run, other) if other is not None else None
    if rival is None or not (run.suggested and rival.suggested):
        return ""
    if _is_large(run):
        return str(run.metrics.get("decided", ""))
    audit = comparison.on_audit(session, run, rival)
    return audit.sentence if audit is not None else ""
