"""Runs as tables and as documents: the list, and one run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from core.phrases import count, duration, one_line
from core.storage.tables import Run, RunKind
from tui.cli.output import facts, grid
from tui.cli.tables import accuracy, comparison


def when(moment: str | None) -> str:
    """A time of the database as local time, to the minute."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def state(run: Run) -> str:
    """Its status, or that it was deleted; the quick learner's run has no end and no status."""
    if run.removed:
        return "deleted"
    return run.kind.value if run.kind is RunKind.QUICK else run.status.value


def overview(found: list[Run], in_use: int | None) -> Table:
    """All runs, a line each."""
    rows = [
        (
            f"{run.id}{' (in use)' if run.id == in_use else ''}",
            one_line(run.name, 30),
            state(run),
            when(run.started_at),
            f"{run.train_size + run.validation_size:,}",
            accuracy(run),
            one_line(run.note or run.message, 60),
        )
        for run in found
    ]
    return grid("Runs", ("run", "name", "status", "began", "labels", "accuracy, 95 % interval", "note"), rows, (4,))


def document(run: Run, in_use: int | None) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "run": run.id,
        "name": run.name,
        "kind": run.kind.value,
        "note": run.note,
        "status": run.status.value,
        "deleted": run.removed,
        "in_use": run.id == in_use,
        "in_use_since": run.in_use_since,
        "message": run.message,
        "base_model": run.base_model,
        "arguments": run.arguments,
        "device": run.device,
        "precision": run.precision,
        "versions": run.versions,
        "annotations_digest": run.annotations_digest,
        "train_size": run.train_size,
        "validation_size": run.validation_size,
        "metrics": run.metrics,
        "weights_sha256": run.weights_sha256,
        "folder": run.folder,
        "suggested": run.suggested,
        "resumable": bool(run.checkpoint),
        "resumed_at": run.resumed_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _trained_on(run: Run) -> str:
    reviews = count(run.train_size, "review")
    if run.kind is RunKind.QUICK:
        return f"{reviews}, anew after every label"
    return f"{reviews}, {run.validation_size:,} more kept back to watch it"


def detail(run: Run, in_use: int | None, unchanged: bool) -> list[RenderableType]:
    """All that is known of a run."""
    from core.report import Measured

    metrics = run.metrics
    rows = [
        ("run", f"{run.id}{f' “{one_line(run.name)}”' if run.name else ''}{', in use' if run.id == in_use else ''}"),
        ("status", f"{state(run)}{f': {one_line(run.message)}' if run.message else ''}"),
        ("began", when(run.started_at)),
        ("ended", when(run.finished_at)),
        ("resumed", ", ".join(f"at step {step:,}" for step in run.resumed_at)),
        ("base model", run.base_model),
        ("trained on", _trained_on(run)),
        ("annotations", f"{run.annotations_digest[:16]}, {'unchanged since' if unchanged else 'changed since'}"),
        ("device", ", ".join(part for part in (run.device, run.precision) if part)),
        ("took", duration(metrics["seconds"]) if metrics.get("seconds") else ""),
        ("rate", f"{metrics['examples_per_second']:,.0f} reviews/s" if metrics.get("examples_per_second") else ""),
        ("memory", f"{metrics['memory'] / 2**20:,.0f} MiB at most" if metrics.get("memory") else ""),
        (
            "steps",
            f"{metrics['total_steps']:,}, weights of {metrics['best_step']:,}" if "total_steps" in metrics else "",
        ),
        ("weights", run.weights_sha256[:16]),
        ("suggestions", f"{run.suggested:,}" if run.suggested else "not stored"),
        ("versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())),
        ("arguments", ", ".join(f"{name} {value}" for name, value in run.arguments.items() if value is not None)),
        ("note", run.note),
    ]
    parts: list[RenderableType] = [facts((name, value) for name, value in rows if value)]
    stored = metrics.get("audit")
    measured = Measured.from_json(stored) if stored else None
    if measured is not None and measured.basis:
        parts.append(comparison(measured))
    return parts
