"""Options of the command line, made from the settings' dataclasses."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from ferlab.errors import FerlabError
from ferlab.settings import HELP

Command = Callable[..., None]


def options_of(settings: type, *, leave_out: Collection[str] = ()) -> Callable[[Command], Command]:
    """Give a command an option for every field of a settings dataclass that has a help text.

    The command is written with one parameter ``settings``; typer sees the fields in its place. A dataclass within the
    dataclass gives its fields a panel of their own, named after it. An option that is left out keeps the dataclass's
    default, which is therefore said in one place.

    Args:
        settings: the dataclass.
        leave_out: fields that are no options here, since the command knows them.

    Example:
        >>> from ferlab.settings import CompareSettings
        >>> @options_of(CompareSettings, leave_out=("methods",))
        ... def train(method: str, settings: CompareSettings) -> None: ...
        >>> "batch_size" in inspect.signature(train).parameters, "methods" in inspect.signature(train).parameters
        (True, False)
    """

    def decorate(command: Command) -> Command:
        own = [p for name, p in inspect.signature(command).parameters.items() if name != "settings"]
        hints = get_type_hints(command, include_extras=True)
        own = [parameter.replace(annotation=hints[parameter.name]) for parameter in own]
        options = [parameter for parameter in _parameters(settings) if parameter.name not in leave_out]

        @functools.wraps(command)
        def call(**given: Any) -> None:
            values = {parameter.name: given.pop(parameter.name) for parameter in options}
            command(**given, settings=_filled(settings, values))

        # What typer reads: a function without these parameters of its own would have no options.
        call.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *options]}
        return call

    return decorate


def _parameters(settings: type, panel: str | None = None) -> Iterator[inspect.Parameter]:
    """An option for every field with a help text, that of a dataclass within the dataclass included."""
    hints = get_type_hints(settings)
    for field in fields(settings):
        kind = hints[field.name]
        if isinstance(kind, type) and is_dataclass(kind):
            yield from _parameters(kind, panel=_panel(kind))
        elif HELP in field.metadata:
            names = (f"--{field.name.replace('_', '-')}",)  # no --no-quick: it would say nothing new
            option = typer.Option(*names, help=field.metadata[HELP], rich_help_panel=panel, show_default=panel is None)
            yield inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.name == "out" else _shown_default(field, panel),
                annotation=Annotated[_on_command_line(kind, panel), option],
            )


def _panel(kind: type) -> str:
    return {"TrainSettings": "Training"}.get(kind.__name__, kind.__name__)


def _on_command_line(kind: Any, panel: str | None) -> Any:
    """The type that typer reads: names with commas for a tuple; within a panel None says that nothing was given."""
    if get_origin(kind) is tuple:
        return str | None
    if panel is not None and type(None) not in get_args(kind):
        return kind | None
    return kind


def _shown_default(field: Field[Any], panel: str | None) -> Any:
    if panel is not None:
        return None
    default = field.default if field.default is not MISSING else None
    return (",".join(map(str, default)) or None) if isinstance(default, tuple) else default


def _filled(settings: type, values: dict[str, Any]) -> Any:
    """The dataclass with the given values; what is None keeps its default."""
    hints = get_type_hints(settings)
    given = {}
    for field in fields(settings):
        if is_dataclass(hints[field.name]):
            given[field.name] = _filled(hints[field.name], values)
        elif HELP in field.metadata and (value := values.get(field.name)) is not None:
            kind = hints[field.name]
            if get_origin(kind) is tuple:
                value = _numbers(value, field.name) if float in get_args(kind) else _names(value)
            given[field.name] = value
    return settings(**given)


def _numbers(text: str, name: str) -> tuple[float, ...]:
    """Numbers between commas."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise FerlabError(f"--{name} takes numbers with commas between them, not {text!r}.") from error


def _names(text: str) -> tuple[str, ...]:
    """Names between commas; those within brackets belong to a loss's arguments."""
    from ferlab.methods.names import split_names  # brings PyTorch along

    return ("all",) if text.strip() == "all" else split_names(text)
