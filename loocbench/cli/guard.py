"""Errors that the user can mend: one line on standard error and exit code 2; 130 after Ctrl-C. A bug is code 1."""

from __future__ import annotations

import signal
import traceback

import typer
from typer.core import TyperGroup

from loocbench.cli.verbosity import find_verbosity, own_verbosity
from loocbench.errors import StoppedError, UserError, printable

WRONG, SIGNALLED = 2, 128  # exit codes: of what the user can mend, and before the number of a signal


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
        except BrokenPipeError as error:
            shown, message = error, "the reader of standard output went away; write to a file or pipe to 'less'."
        if find_verbosity() == "verbose":
            typer.echo("".join(traceback.format_exception(shown)), err=True, nl=False)
        typer.echo(f"loocbench: {printable(' '.join(message.split()))}", err=True)
        raise typer.Exit(code)
