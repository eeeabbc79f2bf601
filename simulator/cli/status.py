"""Exit statuses: the one place that says which failure ends the command with which.

0: done, and every requirement holds. 1: a requirement failed, or the worlds differ. 2: bad input.
3: the machine: disk full or read-only, no memory, a worker killed, compiler, package or artifact
missing. 70 (EX_SOFTWARE of sysexits.h): a bug, the only one that shows a traceback. 130 and 141 are
what a shell says of SIGINT and SIGPIPE.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unicodedata import category

import click

from simulator.types import InputError, MachineError, Notice, SimulatorError

OK, FAILED, INPUT, MACHINE, SOFTWARE, INTERRUPTED, PIPE = 0, 1, 2, 3, 70, 130, 141

#: Errors of the operating system that say a path given cannot be meant, on any machine.
_WRONG_PATH = frozenset(
    {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTEMPTY}
)
_ADVICE = {
    errno.ENOSPC: "make room; the same command goes on from here",
    errno.EDQUOT: "make room; the same command goes on from here",
    errno.ENOMEM: "free some memory, or use fewer --workers",
    errno.EMFILE: "raise the limit on open files (ulimit -n), or use fewer --workers",
}
#: What NumPy says where a disk takes only part of an array: it has no errno.
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
_NO_MEMORY = "out of memory: free some, or use fewer --workers"


def of(error: BaseException) -> int:
    """The status a command ends with after ``error``."""
    if isinstance(error, click.exceptions.Exit | click.ClickException):
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return PIPE
    if isinstance(error, InputError) or _is_wrong_path(error):
        return INPUT
    return MACHINE if _is_machine(error) else SOFTWARE


def report(error: BaseException) -> int:
    """Say on stderr what ``error`` is, in one line but for a bug, and return the status."""
    status = of(error)
    if isinstance(error, click.ClickException):
        error.show()
    elif status == INTERRUPTED:
        _say("interrupted; the same command goes on from here")
    elif status == MACHINE or _is_wrong_path(error):
        _say(_line(error))
    elif isinstance(error, InputError):
        _say(str(error))
    elif status == SOFTWARE:
        if not isinstance(error, SimulatorError):
            traceback.print_exception(error)
        _say(f"a bug, please report it: {type(error).__name__}: {error}")
    _close_stdout()
    return status


@contextmanager
def telling_notices() -> Iterator[None]:
    """Say notices on stderr, a line each; other warnings are Python's to show."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", Notice)
        plain = warnings.showwarning

        def show(message: Warning | str, kind: type[Warning], *where: Any) -> None:
            if issubclass(kind, Notice):
                _say(str(message))
            else:
                plain(message, kind, *where)

        warnings.showwarning = show  # type: ignore[assignment]  # the way the module offers
        yield


def _say(text: str) -> None:
    click.echo(f"hedgesim: {printable(text)}", err=True)


def printable(text: str) -> str:
    """Text with control characters as Python writes them; new lines stay.

    What a file holds, a symbol for instance, may order a terminal about or write backwards.
    """
    return "".join(
        sign.encode("unicode_escape").decode()
        if category(sign)[0] == "C" and sign != "\n"
        else sign
        for sign in text
    )


def _is_machine(error: BaseException) -> bool:
    from concurrent.futures import BrokenExecutor

    return isinstance(error, MachineError | OSError | MemoryError | ImportError | BrokenExecutor)


def _is_wrong_path(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in _WRONG_PATH


def _line(error: BaseException) -> str:
    """What the machine lacks, in one line."""
    if isinstance(error, MemoryError):
        return _NO_MEMORY
    if isinstance(error, ImportError):
        return f"{error}: the installation is not whole, run `make setup`"
    text = " ".join(str(error).split())
    if _CUT_SHORT.fullmatch(text):
        return f"no space left on device, or a quota is reached ({text}); {_ADVICE[errno.ENOSPC]}"
    if isinstance(error, OSError) and not isinstance(error, MachineError):
        if error.strerror:
            named = [str(name) for name in (error.filename, error.filename2) if name is not None]
            text = ": ".join([*named[:1], error.strerror])
        advice = _ADVICE.get(error.errno or 0)
        text = f"{text}; {advice}" if advice else text
    return text or type(error).__name__


def _close_stdout() -> None:
    """Where stdout takes no more, keep Python from a complaint and a status of its own at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
