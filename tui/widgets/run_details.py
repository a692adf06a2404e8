"""What a run was told to do and what it ran on, as lines."""

from __future__ import annotations

from textual.content import Content

from core.phrases import count, one_line
from core.storage.tables import Run, RunKind
from tui.run_facts import COLOURS, changed_arguments, name_of, status, took, when

NAMES = 14
"""Cells of the column of names."""


def heading(run: Run, in_use: bool) -> Content:
    """Its name, its status, and whether it is in use."""
    return Content.assemble(
        (name_of(run).capitalize() if not run.name else name_of(run), "bold $primary"),
        "  ",
        (status(run), COLOURS.get(run.status, "$warning")),
        ("  ▸ in use", "bold $accent") if in_use else "",
        (f"  {one_line(run.message, 300)}", "$faint") if run.message else "",
    )


def arguments(run: Run) -> Content:
    """The arguments that differ from the defaults; of the quick learner what its features are."""
    if run.kind is RunKind.QUICK:
        return _line("features", Content(one_line(str(run.arguments.get("recipe", "")), 100)))
    changed = changed_arguments(run.arguments)
    if not changed:
        return _line("arguments", Content.styled("the defaults", "$faint"))
    parts: list[str | tuple[str, str]] = []
    for number, (name, value, default) in enumerate(changed):
        parts += [", " if number else "", f"{name} ", (one_line(value, 60), "bold"), (f" ({default})", "$faint")]
    return _line("arguments", Content.assemble(*parts))


def facts(run: Run) -> Content:
    """When and on what it ran, what it saw, and what identifies it."""
    split = f", {run.validation_size:,} of them held out" if run.validation_size else ""
    machine = " · ".join(part for part in (run.device, run.precision) if part) or "–"
    lines = [
        ("began", f"{when(run.started_at)}{f', took {took(run)}' if took(run) else ''}"),
        ("labels", f"{count(run.train_size + run.validation_size, 'labelled review')}{split}"),
        ("base model", one_line(run.base_model, 100)),
        ("machine", machine),
        ("seed", str(run.arguments.get("seed", 0))),
        ("goes on from", ", ".join(f"step {step:,}" for step in run.resumed_at)),
        ("suggestions", f"{run.suggested:,}" if run.suggested else ""),
        ("saw", f"annotations {run.annotations_digest[:16]}" if run.annotations_digest else ""),
        ("weights", f"{run.weights_sha256[:16]} in {one_line(run.folder, 60)}" if run.folder else ""),
        ("versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())),
        ("note", one_line(run.note, 2_000)),
    ]
    return Content("\n").join(_line(name, Content(text)) for name, text in lines if text)


def _line(name: str, text: Content) -> Content:
    return Content.assemble((f"{name:<{NAMES}}", "$faint"), text)
