"""Errors that the user can mend: one line on standard error and exit code 2."""

from __future__ import annotations

import typer
from typer.core import TyperGroup

from loocbench.errors import UserError, printable


class GuardedGroup(TyperGroup):
    """A command group that reports UserError as one line instead of a traceback."""

    def invoke(self, ctx):  # type: ignore[no-untyped-def]  # the context's class moved between typer versions
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            message = str(error)
        except KeyboardInterrupt:
            message = "interrupted; nothing was left half-written. Run the same command to go on."
        except BrokenPipeError:
            message = "the reader of standard output went away; write to a file or pipe to 'less'."
        typer.echo(f"loocbench: {printable(' '.join(message.split()))}", err=True)
        raise typer.Exit(2)
