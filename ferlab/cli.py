"""The command line: ``ferlab --help``."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Annotated

import typer

from ferlab.errors import FerlabError

app = typer.Typer(
    help="See and touch what metric-learning losses do to an embedding space, on faces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands() -> None:
    """See and touch what metric-learning losses do to an embedding space, on faces."""


@app.command()
def compare(
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    quick: Annotated[bool, typer.Option("--quick", help="A first impression within a minute.")] = False,
    dataset: Annotated[str, typer.Option(help="synthetic (built in) or fer2013.")] = "synthetic",
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    methods: Annotated[str, typer.Option(help="Comma-separated names, or all.")] = "ce,tcl-nearest,ce-heads,ad-corre",
    seeds: Annotated[int, typer.Option(help="Number of seeds.")] = 1,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in OUT.")] = False,
) -> None:
    """Train the methods on the same faces; write scores, maps and a report to OUT."""
    from ferlab.training import CompareSettings, run_compare

    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    run_compare(CompareSettings(out, dataset, root, names, seeds, epochs, quick, overwrite))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the first notebook; further options go to JupyterLab (such as --no-browser)."""
    from ferlab.lab import lab as open_lab

    raise typer.Exit(open_lab(context.args))


def main() -> None:
    """Entry point: errors a user can mend are one sentence and exit code 2."""
    try:
        app()
    except FerlabError as error:
        _fail(str(error), code=2)
    except KeyboardInterrupt:
        _fail("Stopped.", code=130)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _fail("The disk is full: free some space and run the command again.", code=2)


def _fail(sentence: str, code: int) -> None:
    print(f"ferlab: {sentence}", file=sys.stderr)
    sys.exit(code)
