"""The command line: ``ferlab --help``."""

from __future__ import annotations

import dataclasses
import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ferlab.command_options import options_of
from ferlab.errors import FerlabError, sentence_of, warnings_as_sentences
from ferlab.settings import CompareSettings, TuneSettings
from ferlab.texts import printable

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
@options_of(CompareSettings)
def compare(settings: CompareSettings) -> None:
    """Train the methods on the same faces; write scores, maps and a report to OUT."""
    from ferlab.experiments import run_compare

    run_compare(settings)


@app.command()
@options_of(CompareSettings, leave_out=("methods",))
def train(
    method: Annotated[str, typer.Argument(help="A name of a method, such as tcl-nearest or ad-corre@2.")],
    settings: CompareSettings,
) -> None:
    """Train one method: what compare does with this method alone."""
    from ferlab.experiments import run_compare

    run_compare(dataclasses.replace(settings, methods=(method,)))


@app.command()
@options_of(TuneSettings, leave_out=("tuned",))
def tune(settings: TuneSettings) -> None:
    """Choose the methods' hyperparameters on validation, with as many trainings for each; write OUT/chosen.json."""
    from ferlab.experiments import run_tune

    run_tune(settings)


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder written by compare.")],
    root: Annotated[Path | None, typer.Option(help="Folder of the data set, when it has moved since.")] = None,
) -> None:
    """Measure the saved networks of RUN again and compare with its summary.json."""
    from rich.console import Console

    from ferlab.experiments.evaluate import evaluate_run
    from ferlab.experiments.terminal import say, terminal_table

    evaluation = evaluate_run(run, root)
    console = Console()
    console.print(terminal_table(evaluation.summary))
    if evaluation.differences:
        say(console, "\n".join(evaluation.differences[:20]))
        raise FerlabError(
            f"{len(evaluation.differences)} of {evaluation.checked} numbers are not those of {run / 'summary.json'}: "
            "the weights, the data or the code have changed since."
        )
    say(console, f"All {evaluation.checked} numbers are those of {run / 'summary.json'}.")


@app.command()
def embed(
    run: Annotated[Path, typer.Argument(help="Folder written by compare.")],
    folder: Annotated[Path, typer.Argument(help="Folder of face images, searched with its subfolders.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    method: Annotated[str | None, typer.Option(help="Of RUN; its first one by default.")] = None,
    seed: Annotated[int, typer.Option(help="Of RUN.")] = 0,
    megapixels: Annotated[float, typer.Option(help="Of the largest image that is read.")] = 64,
    mapped: Annotated[
        bool | None,
        typer.Option(
            "--map/--no-map", help="Coordinates by UMAP; by default where that takes less than a minute and 2 GB."
        ),
    ] = None,
) -> None:
    """Embeddings, predictions and map coordinates of a folder of face images."""
    from ferlab.apply.embed import SHOWN, embed_folder, no_map_sentence
    from ferlab.files import check_writable, write_parquet

    check_writable(out)  # before the work, not after it
    rows, skipped = embed_folder(run, folder, method, seed, megapixels=megapixels, mapped=mapped)
    write_parquet(out, rows)
    for path, reason in list(skipped.items())[:SHOWN]:
        _say(f"{path} {reason}, and was left out.")
    if len(skipped) > SHOWN:
        _say(f"{len(skipped) - SHOWN:,} more images were left out.")
    if sentence := no_map_sentence(rows):
        _say(sentence)
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
    from ferlab.files import check_writable
    from ferlab.runs import RunFolder, load_splits, read_settings

    check_writable(out, folder=projector)
    if onnx + torchscript + projector != 1:
        raise FerlabError("Name one of --onnx, --torchscript and --projector.")
    if onnx:
        to.export_onnx(run, out, method, seed)
    elif torchscript:
        to.export_torchscript(run, out, method, seed)
    else:
        faces = load_splits(read_settings(RunFolder(run)), ("test",))
        RunFolder(run).check_same_faces(faces, mend="put the faces of the run back")
        to.export_projector(run, out, faces["test"], method, seed)
    print(f"Written: {out}")


@app.command()
def gallery(
    out: Annotated[Path | None, typer.Option(help="Folder to write; by default in runs/.")] = None,
    part: Annotated[str, typer.Option(help="methods, strengths, or plane: embeddings of two numbers.")] = "methods",
) -> None:
    """Finished trainings, without training: a run folder, with its report."""
    from ferlab.data import load_dataset
    from ferlab.files import check_writable
    from ferlab.gallery import PARTS, open_gallery
    from ferlab.report import write_report

    check_writable(out or PARTS.get(part, Path()), folder=True)
    folder = open_gallery(out, part)
    report = folder / "report.html"
    if not report.exists():
        write_report(folder, load_dataset("synthetic", "test"))
    print(f"Report: {report}")


@app.command("hand-out")
def hand_out(
    numbers: Annotated[list[str] | None, typer.Argument(help="Notebooks, such as 00 03; left out: all.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("build/hand-out"),
    hints: Annotated[bool, typer.Option(help="Keep the hints.")] = True,
    slides: Annotated[bool, typer.Option("--slides", help="Mark slides, for jupyter nbconvert --to slides.")] = False,
) -> None:
    """For teachers: the notebooks without their solutions."""
    from ferlab import classroom
    from ferlab.files import check_writable

    check_writable(out, folder=True)
    written = classroom.hand_out(out, numbers or (), hints, slides=slides)
    print(f"Written, without solutions: {', '.join(path.name for path in written)}")


@app.command()
def collect(
    folder: Annotated[Path, typer.Argument(help="Has one folder a student, with what was handed in.")],
    out: Annotated[Path | None, typer.Option(help="A CSV file to write, a row an exercise or guess.")] = None,
    megabytes: Annotated[float, typer.Option(help="Of the largest notebook that is read.")] = 50,
    most_files: Annotated[int, typer.Option(help="Notebooks of one student that are read.")] = 200,
) -> None:
    """For teachers: which exercises are solved in the notebooks that came back (as saved; nothing is executed)."""
    from rich import print as show

    from ferlab import classroom
    from ferlab.files import check_writable

    if out is not None:
        check_writable(out)
    table = classroom.collect(folder, megabytes=megabytes, most_files=most_files)
    show(classroom.overview(table))
    if out is not None:
        classroom.write_csv(table, out)
        print(f"Written: {out}")


@app.command()
def assignments(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments, such as 1 2; left out: all.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("build/assignments"),
    texts: Annotated[Path | None, typer.Option(help="Folder of the texts; by default the clone's.")] = None,
    otter: Annotated[bool, typer.Option("--otter", help="Also a version for Otter.")] = False,
    nbgrader: Annotated[bool, typer.Option("--nbgrader", help="Also a version for nbgrader.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of the hidden data, instead of the assignments' own.")] = None,
) -> None:
    """For teachers: graded assignments, as students get them and with model answers."""
    from ferlab.classroom.grading import exports, find_assignments
    from ferlab.classroom.grading.building import build, build_pages
    from ferlab.files import check_writable

    check_writable(out, folder=True)
    for text in find_assignments(names or (), texts):
        written = build(text, out)
        if otter:
            written.append(exports.write_otter(text, out, seed))
        if nbgrader:
            written.append(exports.write_nbgrader(text, out, seed))
        print(f"{text.title}: {', '.join(str(path) for path in written)}")
    for page in build_pages(texts, out):
        print(f"For you: {page}")


@app.command()
def grade(
    folder: Annotated[Path, typer.Argument(help="Has one folder a student, with what was handed in.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("build/grades"),
    names: Annotated[list[str] | None, typer.Option("--assignment", help="Such as 1; left out: all.")] = None,
    texts: Annotated[Path | None, typer.Option(help="Folder of the texts; by default the clone's.")] = None,
    marks: Annotated[Path | None, typer.Option(help="Table of the written parts; by default OUT/to_mark.csv.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the hidden data, instead of the assignments' own.")] = None,
    require_sandbox: Annotated[bool, typer.Option("--require-sandbox", help="Refuse where there is none.")] = False,
    seconds: Annotated[int, typer.Option(min=1, help="Of computing that an exercise may take.")] = 20,
    memory: Annotated[int, typer.Option(min=64, help="MB that an exercise may take.")] = 1024,
) -> None:
    """For teachers: run students' functions in a sandbox, and write points with reasons, tables and feedback."""
    from ferlab.classroom import grading
    from ferlab.files import check_writable

    check_writable(out, folder=True)
    table = marks or out / "to_mark.csv"
    given, limits = grading.read_marks(table), grading.Limits(seconds=seconds, wall_seconds=6 * seconds, memory=memory)
    grades = grading.grade(
        folder,
        grading.find_assignments(names or (), texts),
        given=given,
        seed=seed,
        limits=limits,
        require_sandbox=require_sandbox,
        say=_say,
    )
    grading.write_marks(table, [(grade.text, grade.submission) for grade in grades], given)
    grading.write_results(grades, out)
    for grade in grades:
        print(f"{printable(grade.student)}: {grade.text.title}: {grade.points:g} of {grade.out_of:g}")
    print(f"Written: {out}; to mark: {table}")


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
    """Entry point: errors a user can mend, and what the operating system refuses, are one sentence and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # a path that is no text is shown escaped
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # How often a waiting thread of PyTorch looks for work before it gives its core away (GNU OpenMP, read when torch
    # loads). By default it looks for milliseconds, which makes training on a busy machine many times slower; not to
    # look at all makes it a third slower on a quiet one.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    for stream in (sys.stdout, sys.stderr):  # a name in letters that a terminal lacks is no reason to stop
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings_as_sentences(_say):
            app()
    except FerlabError as error:
        _fail(str(error), code=2)
    except KeyboardInterrupt:
        _fail("Stopped.", code=130)
    except OSError as error:
        _fail(sentence_of(error), code=2)


def _say(sentence: str) -> None:
    # One line, and no letters that would steer the terminal: a path may hold anything.
    print(f"ferlab: {printable(' '.join(sentence.splitlines()))}", file=sys.stderr)


def _fail(sentence: str, code: int) -> None:
    _say(sentence)
    sys.exit(code)
