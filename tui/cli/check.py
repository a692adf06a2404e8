"""`check`: whether a project is whole, and restoring it where it is not."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from core.phrases import one_line
from tui.cli.failures import guarded
from tui.cli.options import Json, Project
from tui.cli.output import grid, print_json, say, show

if TYPE_CHECKING:
    from core.check.findings import Report
    from core.check.repair import Repair

SIGNS = {"good": ("✓", "green"), "notice": ("•", "yellow"), "damaged": ("✗", "red"), "not checked": ("–", "dim")}


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("check")(check)


@guarded
def check(
    project: Project,
    repair: Annotated[
        bool, typer.Option("--repair", help="Restore what is damaged; the original is moved aside.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Verify a project: file, journal, models. With --repair, restore it.

    The exit code is 0 when all is well, 1 when something is damaged.
    """
    from core.check.examine import examine

    if repair:
        from core.check import repair as repairing

        done = repairing.repair(project, _tell(as_json))
        report = done.after or done.before
        if as_json:
            print_json(done.to_json())
        else:
            _show_repair(done)
    else:
        report = examine(project, _tell(as_json))
        if as_json:
            print_json(report.to_json())
        else:
            _show(report)
            if not report.is_whole:
                say(f"Next: labelloop check {shlex.quote(str(project))} --repair")
    if not report.is_whole:
        raise typer.Exit(1)


def _tell(as_json: bool):  # type: ignore[no-untyped-def]
    """Tells which part is looked at, where somebody sees it."""
    import sys

    if as_json or not sys.stderr.isatty():
        return lambda _part: None
    return lambda part: sys.stderr.write(f"\r\x1b[Kchecking: {part} …\r\x1b[K" if part else "")


def _show(report: Report) -> None:
    rows = []
    for one in report.findings:
        sign, style = SIGNS[one.verdict.value]
        told = "\n".join([one.told or one.verdict.value, *(f"  {one_line(text, 160)}" for text in one.examples)])
        rows.append((Text(sign, style=style), one.part, told))
    show(grid(report.path, ("", "part", ""), rows, ()))
    show("The project is whole." if report.is_whole else "The project is damaged.")


def _show_repair(done: Repair) -> None:
    if done.after is not None:
        _show(done.after)
    for title, lines in (("Restored", done.restored), ("Lost", done.lost)):
        if lines:
            show(f"{title}:", *(f"  {one_line(line, 300)}" for line in lines))
    if done.aside is not None:
        show(f"The file as it was is {done.aside}. Delete it when you need it no more.")
        if not done.lost:
            show("Nothing was lost.")
    elif not done.restored:
        show("There was nothing to repair.")
