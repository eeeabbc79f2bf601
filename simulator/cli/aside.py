"""What a command prints as JSON has stdout for itself; all else that is printed goes to stderr.

A user's agent may print, compiled, in a worker or as its file is loaded.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
#: Where JSON goes while all else goes to stderr.
_kept: list[TextIO] = []


def json_alone(command: Command) -> Command:
    """A command with ``--json``: with it nothing reaches stdout but what :func:`emit` is given."""

    @functools.wraps(command)
    def run(*given: Any, **named: Any) -> Any:
        if not named["as_json"]:
            return command(*given, **named)
        with _aside() as out:
            _kept.append(out)
            try:
                return command(*given, **named)
            finally:
                _kept.pop()

    return run  # type: ignore[return-value]


def emit(text: str) -> None:
    """Print JSON."""
    click.echo(text, file=_kept[-1] if _kept else None)


@contextmanager
def _aside() -> Iterator[TextIO]:
    """Let stdout be stderr, for processes that are started meanwhile too; gives stdout itself."""
    out = sys.stdout
    out.flush()
    if not _is_the_terminals(out):
        with redirect_stdout(sys.stderr):
            yield out
        return
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        kept = os.fdopen(os.dup(saved), "w", encoding=out.encoding, errors=out.errors)
        with kept, redirect_stdout(sys.stderr):
            yield kept
    finally:
        with suppress(OSError):
            out.flush()  # what was written to it past Python's redirection
        os.dup2(saved, 1)
        os.close(saved)


def _is_the_terminals(out: TextIO) -> bool:
    """Whether it is the process's own, and stderr is one to write to; not a test's."""
    try:
        os.fstat(2)
        return out.fileno() == 1
    except (OSError, ValueError):
        return False
