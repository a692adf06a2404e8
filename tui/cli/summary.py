"""What an unattended demonstration did, on one panel."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from core.phrases import duration, percent
from tui.cli.output import facts
from tui.cli.tables import caution, comparison, interval
from tui.cli.unattended import Done


def panel(done: Done) -> Panel:
    """The panel at the end of `labelloop demo --headless`."""
    parts: list[RenderableType] = [
        facts(_steps(done)),
        Text(),
        comparison(done.measured) if done.measured.model else Text("No labelled review fell into the audit set."),
        Text("\n".join(sentence for sentence in (caution(done.measured), _suggestions(done)) if sentence)),
        Text(),
        facts([("project", str(done.project)), ("model", done.model), ("labels", str(done.export))]),
    ]
    return Panel(Group(*parts), title="labelloop demo", title_align="left", box=box.ROUNDED, padding=(1, 2))


def _steps(done: Done) -> list[tuple[str, str]]:
    did = {
        "import": f"{done.reviews:,} sample reviews",
        "label": f"{done.labelled:,} of them, the sample's own labels standing in for a person's",
        "train and suggest": f"{done.base_model} on {done.device}",
        "evaluate": "on labelled reviews that were kept from the training",
        "export": f"{done.reviews:,} reviews with labels and suggestions",
    }
    return [(f"{name}, {_time(done.seconds[name])}", what) for name, what in did.items()]


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def _suggestions(done: Done) -> str:
    checked = done.suggestions
    if checked is None:
        return "Every review was labelled, so none was left to suggest for."
    return (
        f"Of the {checked.size:,} reviews that were not labelled, the suggestion is right for {checked.right:,}: "
        f"{percent(checked.accuracy, 1)} (95 % interval {interval(checked.low, checked.high)}). "
        "This can be said because the sample comes with all its labels; for reviews of your own, the audit set is "
        "the measure."
    )
