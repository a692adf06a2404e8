"""A run in one line."""

from __future__ import annotations

from textual.content import Content

from core.phrases import duration, one_line, percent
from core.storage.tables import Run
from tui.run_facts import COLOURS, status


def run_line(run: Run, in_use: bool, width: int) -> Content:
    """Number, status, labels, what it measured, what became of it; cut after `width` cells."""
    measured = run.metrics.get("audit") or {}
    folds = measured.get("cross_validation")
    found, by = (folds["model"], "cross-validated") if folds else (measured.get("model"), "audit")
    labels = run.train_size + run.validation_size
    parts: list[str | tuple[str, str]] = [
        (f"{'▸' if in_use else ' '} run {run.id:<3}", "bold" if in_use else ""),
        (f" {status(run):<12}", COLOURS.get(run.status, "$warning")),
        f" {labels:>6,} labels" if labels else "",
    ]
    if found:
        parts.append((f"  {by} {percent(found['accuracy']):>5}", "bold $success"))
        low, high = percent(found["accuracy_low"]), percent(found["accuracy_high"])
        parts.append((f" ({low} to {high}, {found['size']} reviews)", "$faint"))
    elif run.metrics.get("validation_accuracy") is not None:
        parts.append(f"  held-out {percent(run.metrics['validation_accuracy']):>5}")
    if run.metrics.get("seconds"):
        parts.append((f"  {duration(run.metrics['seconds'])}", "$faint"))
    if in_use:
        parts.append(("  in use", "bold $accent"))
    if run.name:
        parts.append((f"  “{one_line(run.name, 30)}”", "bold"))
    if run.message:
        parts.append((f"  {one_line(run.message, 90)}", "$faint"))
    return Content.assemble(*parts).truncate(width, ellipsis=True)
