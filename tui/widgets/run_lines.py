"""A run in one line."""

from __future__ import annotations

from textual.content import Content

from core.phrases import duration, one_line, percent
from core.storage.tables import Run
from tui.run_facts import COLOURS, status


def run_line(run: Run, in_use: bool, width: int) -> Content:
    """Number, status, labels, what it measured, what became of it; cut after `width` cells."""
    audit = (run.metrics.get("audit") or {}).get("model")
    parts: list[str | tuple[str, str]] = [
        (f"{'▸' if in_use else ' '} run {run.id:<3}", "bold" if in_use else ""),
        (f" {status(run):<12}", COLOURS.get(run.status, "$warning")),
        f" {run.train_size + run.validation_size:>6,} labels",
    ]
    if audit:
        parts.append((f"  audit {percent(audit['accuracy']):>5}", "bold $success"))
        low, high = percent(audit["accuracy_low"]), percent(audit["accuracy_high"])
        parts.append((f" ({low} to {high}, {audit['size']} reviews)", "$faint"))
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
