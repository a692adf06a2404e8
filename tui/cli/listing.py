"""The list of commands as a Markdown table, made from the commands themselves.

`python -m tui.cli.listing` prints it; README has it between `<!-- commands -->` and `<!-- /commands -->`.
"""

from __future__ import annotations

from typing import Any

import typer

from tui.cli.main import app

BEGIN, END = "<!-- commands -->", "<!-- /commands -->"

FOR_ALL = ("--help", "--json")
"""Options that nearly every command has, told once instead of in every row."""


def rows() -> list[str]:
    """The table, line by line, heading included."""
    group: Any = typer.main.get_command(app)
    table = ["| command | does |", "|---|---|", "| `labelloop` | Open the last project, or the welcome screen. |"]
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        for words, one in [(name, command)] if inner is None else [(f"{name} {sub}", inner[sub]) for sub in inner]:
            table.append(f"| `{' '.join(['labelloop', words, *_usages(one)])}` | {one.help.splitlines()[0]} |")
    return table


def _usages(command: Any) -> list[str]:
    """Arguments and options as they are typed; “…” stands for those that the help shows in a panel of their own."""
    shown = [one for one in command.params if not getattr(one, "rich_help_panel", None)]
    words = [word for parameter in shown if (word := _usage(parameter))]
    return words if len(shown) == len(command.params) else [*words, "…"]


def _usage(parameter: Any) -> str:
    """An argument or option as it is typed; empty for those of all commands."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar)
    option = max(parameter.opts, key=len)
    if option in FOR_ALL:
        return ""
    if not parameter.is_flag:
        option = f"{option} {parameter.metavar}"
    return option if parameter.required else f"[{option}]"


if __name__ == "__main__":
    print("\n".join(rows()))
