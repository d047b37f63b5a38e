"""Errors that the user can mend: one line on standard error and exit code 2; 130 after Ctrl-C. A bug is code 1."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from loocbench.cli.usage_errors import explain_usage_error, is_usage_error, require_command
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
    """A command group that reports UserError, and wrong use of the command line, as one line."""

    # The classes of the context and of the errors moved between typer versions.

    def make_context(self, info_name, args, parent=None, **extra):  # type: ignore[no-untyped-def]
        """Parse the options that stand before the command."""
        make = super().make_context
        if extra.get("resilient_parsing"):  # a shell that completes
            return make(info_name, args, parent=parent, **extra)
        with own_verbosity():
            return self._guard(lambda: make(info_name, args, parent=parent, **extra))

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]
        """Find the command that is called."""
        require_command(self, ctx, args)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx):  # type: ignore[no-untyped-def]
        """Run the command."""
        run = super().invoke
        with own_verbosity():
            return self._guard(lambda: run(ctx))

    def _guard(self, call: Callable[[], Any]) -> Any:
        """Call it; end the program with one line where that is the user's to mend."""
        shown: BaseException
        code = WRONG
        try:
            return call()
        except StoppedError as error:
            shown, message, code = error, str(error), SIGNALLED + error.signal
        except UserError as error:
            shown, message = error, str(error)
        except KeyboardInterrupt as error:
            shown, code = error, SIGNALLED + signal.SIGINT
            message = "interrupted; nothing was left half-written. Run the same command to go on."
        except Exception as error:
            if is_usage_error(error):
                shown, message = error, str(explain_usage_error(error))
            elif isinstance(error, BrokenPipeError):
                shown, message = error, "the reader of standard output went away; write to a file or pipe to 'less'."
            else:
                raise
        if _is_told_by_another_process(shown):
            raise typer.Exit(code)
        if find_verbosity() == "verbose":
            typer.echo("".join(traceback.format_exception(shown)), err=True, nl=False)
        typer.echo(f"loocbench: {printable(' '.join(message.split()))}", err=True)
        raise typer.Exit(code)
