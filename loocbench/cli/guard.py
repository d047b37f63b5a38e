"""Errors that the user can mend: one line on standard error and exit code 2; 130 after Ctrl-C. A bug is code 1."""

from __future__ import annotations

import os
import signal
import sys
import traceback

import typer
from typer.core import TyperGroup

from loocbench.cli.verbosity import find_verbosity, own_verbosity
from loocbench.errors import SharedError, StoppedError, UserError, printable

WRONG, SIGNALLED = 2, 128  # exit codes: of what the user can mend, and before the number of a signal


def _is_told_by_another_process(error: BaseException) -> bool:
    """Whether this is a process of torchrun that meets an error which its first process meets, and shows, too.

    Before the processes have met, all of one machine see the same options and files; afterwards an error that they
    share is a SharedError, and any other is this process's own.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return isinstance(error, SharedError) and os.environ.get("RANK", "0") != "0"
    return os.environ.get("LOCAL_RANK", "0") != "0"


class GuardedGroup(TyperGroup):
    """A command group that reports UserError as one line instead of a traceback."""

    def invoke(self, ctx):  # type: ignore[no-untyped-def]  # the context's class moved between typer versions
        """Run the command."""
        with own_verbosity():
            return self._invoke(ctx)  # type: ignore[no-untyped-call]

    def _invoke(self, ctx):  # type: ignore[no-untyped-def]  # as above
        shown: BaseException
        code = WRONG
        try:
            return super().invoke(ctx)
        except StoppedError as error:
            shown, message, code = error, str(error), SIGNALLED + error.signal
        except UserError as error:
            shown, message = error, str(error)
        except KeyboardInterrupt as error:
            shown, code = error, SIGNALLED + signal.SIGINT
            message = "interrupted; nothing was left half-written. Run the same command to go on."
        except Exception as error:
            # A usage error of the command line, whose class moved between versions of typer, which prints it.
            if hasattr(error, "format_message") and _is_told_by_another_process(error):
                raise typer.Exit(WRONG) from error
            if not isinstance(error, BrokenPipeError):
                raise
            shown, message = error, "the reader of standard output went away; write to a file or pipe to 'less'."
        if _is_told_by_another_process(shown):
            raise typer.Exit(code)
        if find_verbosity() == "verbose":
            typer.echo("".join(traceback.format_exception(shown)), err=True, nl=False)
        typer.echo(f"loocbench: {printable(' '.join(message.split()))}", err=True)
        raise typer.Exit(code)
