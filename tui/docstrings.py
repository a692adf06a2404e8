"""What stands in the code under each field of a class: the same words for the screens and for the README."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from itertools import pairwise

_SENTENCE = re.compile(r"\.(?=\s+[A-Z])")


def field_docs(cls: type) -> dict[str, str]:
    """The docstrings under the fields of a class, by name, each on one line; fields without one are left out."""
    (declared,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(declared, ast.ClassDef)
    found = {}
    for field, told in pairwise(declared.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(told, ast.Expr)
            and isinstance(told.value, ast.Constant)
            and isinstance(told.value.value, str)
        ):
            found[field.target.id] = " ".join(told.value.value.split())
    return found


def first_sentence(text: str) -> str:
    """A text up to its first full stop that another sentence follows."""
    return _SENTENCE.split(text, maxsplit=1)[0].rstrip(".") + "."
