"""How a command fails: with a sentence on stderr and an exit code, never with a traceback."""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import typer

from core import locations
from core.errors import LabelloopError
from tui.cli.output import complain, print_json

P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, ending with exit code 1 and a sentence where it would raise.

    With `--json`, stdout gets a document with the error as well.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except LabelloopError as error:
            failure = error
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # the reader of our output, such as head, has left: typer ends quietly
            failure = _unexpected(error)
        else:
            return
        if kwargs.get("as_json"):
            print_json({"error": failure.message, "remedy": failure.remedy, "kind": type(failure).__name__})
        complain(str(failure))
        raise typer.Exit(1)

    return run


def _unexpected(error: Exception) -> LabelloopError:
    """The sentence for an error nobody thought of; its traceback goes to a log."""
    what = f"This should not have happened: {type(error).__name__}: {error}".rstrip(".") + "."
    try:
        log = _write_log(error)
    except OSError:
        return LabelloopError(what, f"No log could be written to {locations.log_folder()}.")
    return LabelloopError(what, f"Please report it with the log {log}.")


def _write_log(error: Exception) -> Path:
    from core import logs

    return logs.write_error("command", error)
