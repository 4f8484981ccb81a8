"""The command line: ``ferlab --help``."""

from __future__ import annotations

import dataclasses
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


def _training(text: str):
    """An option of the training loop; left out, the default of TrainSettings holds."""
    return typer.Option(help=text, rich_help_panel="Training", show_default=False)


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
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run in OUT.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in OUT.")] = False,
    batch_size: Annotated[int | None, _training("Images a step, over all devices.")] = None,
    batches: Annotated[str | None, _training("shuffled, class-balanced or per-class.")] = None,
    optimizer: Annotated[str | None, _training("sgd or adamw.")] = None,
    learning_rate: Annotated[float | None, _training("The highest of the schedule.")] = None,
    schedule: Annotated[str | None, _training("one-cycle or cosine.")] = None,
    warm_up: Annotated[float | None, _training("Epochs of rising rate, for cosine.")] = None,
    weight_decay: Annotated[float | None, _training("Of the network.")] = None,
    gradient_clip: Annotated[float | None, _training("Largest gradient norm; 0 for none.")] = None,
    class_weights: Annotated[str | None, _training("none or balanced.")] = None,
    label_smoothing: Annotated[float | None, _training("Of cross-entropy.")] = None,
    patience: Annotated[int | None, _training("Epochs without progress before stopping; 0: never.")] = None,
    accelerator: Annotated[str | None, _training("auto, cpu, gpu, mps.")] = None,
    devices: Annotated[int | None, _training("Processes here, one a device.")] = None,
    nodes: Annotated[int | None, _training("Machines.")] = None,
    precision: Annotated[str | None, _training("auto, 32-true, bf16-mixed, 16-mixed.")] = None,
) -> None:
    """Train the methods on the same faces; write scores, maps and a report to OUT."""
    options = dict(locals())
    from ferlab.training import CompareSettings, TrainSettings, run_compare

    given = {field.name: options.get(field.name) for field in dataclasses.fields(TrainSettings)}
    train = TrainSettings(**{name: value for name, value in given.items() if value is not None and name != "epochs"})
    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    run_compare(CompareSettings(out, dataset, root, names, seeds, epochs, quick, overwrite, resume, train))


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
        _fail("The disk is full: free some space and run the command again, with --resume to go on.", code=2)


def _fail(sentence: str, code: int) -> None:
    print(f"ferlab: {sentence}", file=sys.stderr)
    sys.exit(code)
