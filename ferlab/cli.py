"""The command line: ``ferlab --help``."""

from __future__ import annotations

import dataclasses
import errno
import inspect
import os
import sys
from pathlib import Path
from typing import Annotated, get_type_hints

import typer

from ferlab.errors import FerlabError

app = typer.Typer(
    help="See and touch what metric-learning losses do to an embedding space, on faces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_DATASET = "synthetic (built in), fer2013, rafdb, affectnet (seven classes), affectnet-8 or folder (<class>/<image>)."


def _training(text: str):
    """An option of the training loop; left out, the default of TrainSettings holds."""
    return typer.Option(help=text, rich_help_panel="Training", show_default=False)


@app.callback()
def _commands() -> None:
    """See and touch what metric-learning losses do to an embedding space, on faces."""


@app.command()
def compare(
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    quick: Annotated[bool, typer.Option("--quick", help="A first impression in about a minute.")] = False,
    dataset: Annotated[str, typer.Option(help=_DATASET)] = "synthetic",
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    methods: Annotated[str, typer.Option(help="Comma-separated names, or all.")] = "ce,tcl-nearest,ce-heads,ad-corre",
    seeds: Annotated[int, typer.Option(help="Number of seeds.")] = 1,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run in OUT.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier run in OUT.")] = False,
    jobs: Annotated[int, typer.Option(help="Trainings side by side.")] = 1,
    cluster: Annotated[str, typer.Option(help="local, or slurm to send them there.")] = "local",
    backbone: Annotated[str | None, _training("small, or a name of timm: resnet18, legacy_xception.")] = None,
    pretrained: Annotated[bool | None, _training("Start with timm's weights (a download).")] = None,
    input_size: Annotated[int | None, _training("Pixels to scale faces to, such as 224; 0: as they are.")] = None,
    batch_size: Annotated[int | None, _training("Images a step, over all devices.")] = None,
    batches: Annotated[str | None, _training("shuffled, class-balanced or per-class.")] = None,
    optimizer: Annotated[str | None, _training("sgd or adamw.")] = None,
    learning_rate: Annotated[float | None, _training("The highest; by default the method's own.")] = None,
    schedule: Annotated[str | None, _training("one-cycle or cosine.")] = None,
    warm_up: Annotated[float | None, _training("Epochs of rising rate, for cosine.")] = None,
    weight_decay: Annotated[float | None, _training("By default the method's own.")] = None,
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
    from ferlab.experiments import CompareSettings, run_compare
    from ferlab.training import TrainSettings

    given = {field.name: options.get(field.name) for field in dataclasses.fields(TrainSettings)}
    train = TrainSettings(**{name: value for name, value in given.items() if value is not None and name != "epochs"})
    names = names_of(methods)
    run_compare(
        CompareSettings(out, dataset, root, names, seeds, epochs, quick, overwrite, resume, jobs, cluster, train)
    )


def train(
    method: Annotated[str, typer.Argument(help="A name of the methods table, such as tcl-nearest.")], **options
) -> None:
    """Train one method: what compare does with this method alone."""
    compare(methods=method, **options)


# The options of compare, but for the one that chooses methods, without a second list of them.
_hints = get_type_hints(train, include_extras=True) | get_type_hints(compare, include_extras=True)
_parameters = {**inspect.signature(train).parameters, **inspect.signature(compare).parameters}
train.__signature__ = inspect.Signature(
    [of.replace(annotation=_hints[name]) for name, of in _parameters.items() if name not in ("options", "methods")]
)
app.command()(train)


def names_of(methods: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in methods.split(",") if name.strip())


@app.command()
def tune(
    out: Annotated[Path, typer.Option(help="Folder of the search.")],
    trials: Annotated[int, typer.Option(help="Trainings of every method.")] = 10,
    dataset: Annotated[str, typer.Option(help=_DATASET)] = "synthetic",
    root: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    methods: Annotated[str, typer.Option(help="Comma-separated names, or all.")] = "all",
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few faces and epochs, to see how it works.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in OUT; --trials may have grown.")] = False,
    jobs: Annotated[int, typer.Option(help="Methods searched side by side.")] = 1,
    cluster: Annotated[str, typer.Option(help="local, or slurm to send them there.")] = "local",
) -> None:
    """Choose the methods' hyperparameters on validation, with as many trainings for each; write OUT/chosen.json."""
    from ferlab.experiments.tune import TuneSettings, run_tune

    run_tune(TuneSettings(out, dataset, root, names_of(methods), trials, epochs, quick, resume, jobs, cluster))


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder written by compare.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set, when it has moved since.")] = None,
) -> None:
    """Measure the saved networks of RUN again and compare with its summary.json."""
    from rich.console import Console

    from ferlab.experiments.evaluate import evaluate_run
    from ferlab.experiments.terminal import terminal_table

    evaluation = evaluate_run(run, root)
    console = Console()
    console.print(terminal_table(evaluation.summary))
    if evaluation.differences:
        console.print("\n".join(evaluation.differences[:20]), highlight=False)
        raise FerlabError(
            f"{len(evaluation.differences)} of {evaluation.checked} numbers are not those of {run / 'summary.json'}: "
            "the weights, the data or the code have changed since."
        )
    console.print(f"All {evaluation.checked} numbers are those of {run / 'summary.json'}.", highlight=False)


@app.command()
def embed(
    run: Annotated[Path, typer.Argument(help="Folder written by compare.")],
    folder: Annotated[Path, typer.Argument(help="Folder of face images, searched with its subfolders.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    method: Annotated[str | None, typer.Option(help="Of RUN; its first one by default.")] = None,
    seed: Annotated[int, typer.Option(help="Of RUN.")] = 0,
) -> None:
    """Embeddings, predictions and map coordinates of a folder of face images."""
    from ferlab.apply.embed import embed_folder
    from ferlab.files import write_parquet

    rows, skipped = embed_folder(run, folder, method, seed)
    write_parquet(out, rows)
    for path in skipped:
        print(f"ferlab: {path} cannot be decoded and was left out.", file=sys.stderr)
    print(f"{len(rows):,} faces in {out}")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder written by compare.")],
    out: Annotated[Path, typer.Option(help="File to write; for --projector a folder.")],
    onnx: Annotated[bool, typer.Option("--onnx", help="The network as ONNX.")] = False,
    torchscript: Annotated[bool, typer.Option("--torchscript", help="The network as TorchScript.")] = False,
    projector: Annotated[
        bool,
        typer.Option("--projector", help="The test faces' embeddings for Embedding Projector and embedding-atlas."),
    ] = False,
    method: Annotated[str | None, typer.Option(help="Of RUN; its first one by default.")] = None,
    seed: Annotated[int, typer.Option(help="Of RUN.")] = 0,
) -> None:
    """A trained network of RUN, or its embeddings, for other programs."""
    from ferlab.apply import export as to
    from ferlab.runs.settings import load_splits, read_settings

    if onnx + torchscript + projector != 1:
        raise FerlabError("Name one of --onnx, --torchscript and --projector.")
    if onnx:
        to.export_onnx(run, out, method, seed)
    elif torchscript:
        to.export_torchscript(run, out, method, seed)
    else:
        to.export_projector(run, out, load_splits(read_settings(run))["test"], method, seed)
    print(f"Written: {out}")


@app.command()
def gallery(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("runs/gallery"),
) -> None:
    """Finished trainings of all methods, without training: a run folder, with its report."""
    from ferlab.data import load_dataset
    from ferlab.gallery import open_gallery
    from ferlab.report import write_report

    folder = open_gallery(out)
    report = folder / "report.html"
    if not report.exists():
        write_report(folder, load_dataset("synthetic", "test"))
    print(f"Report: {report}")


@app.command("hand-out")
def hand_out(
    numbers: Annotated[list[str] | None, typer.Argument(help="Notebooks, such as 00 03; left out: all.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("build/hand-out"),
    hints: Annotated[bool, typer.Option(help="Keep the hints.")] = True,
) -> None:
    """For teachers: the notebooks without their solutions."""
    from ferlab.classroom.collecting import collecting

    written = collecting.hand_out(out, numbers or (), hints)
    print(f"Written, without solutions: {', '.join(path.name for path in written)}")


@app.command()
def collect(
    folder: Annotated[Path, typer.Argument(help="Has one folder a student, with what was handed in.")],
    out: Annotated[Path | None, typer.Option(help="A CSV file to write, a row an exercise or guess.")] = None,
) -> None:
    """For teachers: which exercises are solved in the notebooks that came back (as saved; nothing is executed)."""
    from rich import print as show

    from ferlab.classroom.collecting import collecting

    table = collecting.collect(folder)
    show(collecting.overview(table))
    if out is not None:
        collecting.write_csv(table, out)
        print(f"Written: {out}")


@app.command()
def doctor(
    dataset: Annotated[str | None, typer.Option(help="A data set to look for, such as fer2013.")] = None,
    root: Annotated[Path | None, typer.Option(help="Its folder.")] = None,
    self_test: Annotated[bool, typer.Option(help="Train for half a minute.")] = True,
) -> None:
    """Check Python, devices, packages, faces, disk and memory, and train a little; say what to mend."""
    from rich.console import Console
    from rich.markup import escape

    from ferlab.experiments.doctor import checks

    console, failed = Console(highlight=False), 0
    for check in checks(dataset, root, self_test):
        mark = "[green]ok[/]    " if check.ok else "[red]mend[/]  "
        console.print(f"{mark}{escape(check.name)}: {escape(check.found)}")
        if not check.ok:
            failed += 1
            console.print(f"      {escape(check.mend)}")
    if failed:
        raise FerlabError(f"{failed} to mend, see above.")
    console.print("Everything is in place.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the first notebook; further options go to JupyterLab (such as --no-browser)."""
    from ferlab.lab import lab as open_lab

    raise typer.Exit(open_lab(context.args))


def main() -> None:
    """Entry point: errors a user can mend are one sentence and exit code 2."""
    # How often a waiting thread of PyTorch looks for work before it gives its core away (GNU OpenMP, read when torch
    # loads). By default it looks for milliseconds, which makes training on a busy machine many times slower; not to
    # look at all makes it a third slower on a quiet one.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
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
