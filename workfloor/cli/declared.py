"""Commands that are made of declared actions: their arguments, limits and help are those of the declaration."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.kit.declarations import Action, File, Parameter
    from workfloor.kit.text import toml


class Group(click.Group):
    """A group of commands: those written by hand, and those of the actions declared under its words."""

    def __init__(self, *args: Any, under: str = "", modules: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.under, self.modules = tuple(under.split()), modules

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *self._declared()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        found = super().get_command(context, name)
        if found is None and (action := self._declared().get(name)):
            return command(action)
        return found

    def _declared(self) -> "dict[str, Action]":
        import importlib

        from workfloor.kit import declarations

        edge.without_database()
        for module in self.modules:
            importlib.import_module(module)
        return {
            each.command[-1]: each for each in declarations.register.actions.values() if each.command[:-1] == self.under
        }


class Command(click.Command):
    """The command of an action, which takes the action's permission."""

    def __init__(self, *args: Any, permission: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self.permission = permission


def command(action: "Action") -> click.Command:
    """The command of an action."""
    asked: list[click.Parameter] = [_asked(each) for each in action.parameters]
    if action.confirm:
        asked.append(
            click.Option(
                ["--yes"],
                is_flag=True,
                prompt=action.confirm,
                help="Do not ask.",
                expose_value=False,
                callback=_stop_unless_sure,
            )
        )
    asked.append(click.Option(["--format", "form"], **_FORM))
    epilog = f"\b\nExample:\n  {action.example}\n" if action.example else None
    help = "\n\n".join([action.help, *(_said(each) for each in action.parameters if _is_argument(each))])
    return Command(
        action.command[-1],
        params=asked,
        help=help,
        epilog=epilog,
        callback=_performing(action),
        permission=action.permission,
    )


def _is_argument(each: "Parameter") -> bool:
    return each.required and not each.field.as_option


def _metavar(each: "Parameter") -> str:
    return "FILE" if each.is_file else each.name.upper()


def _said(each: "Parameter") -> str:
    """An argument as the help says it; click itself says nothing of them."""
    field, handle = each.field, each.handle
    said = [f"{field.words}." if field.words.upper() != _metavar(each) else "", field.help]
    said += [f"One of {', '.join(each.choices)}." if each.choices else ""]
    said += [f"Listed by: workfloor {handle.see}" if handle and handle.see else ""]
    return f"{_metavar(each)}: {' '.join(filter(None, said))}"


_FORM: Any = {"type": click.Choice(["text", "json"]), "default": "text", "help": "How to print it."}
form_option = click.option("--format", "form", **_FORM)


def _stop_unless_sure(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        raise click.Abort


def _asked(each: "Parameter") -> click.Parameter:
    kind: click.ParamType[Any] = click.Choice(each.choices) if each.choices else click.STRING
    if each.is_read_from_file:
        kind = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
    if _is_argument(each):
        return click.Argument([each.name], type=kind, nargs=-1 if each.several else 1, metavar=_metavar(each))
    flag = "--" + (each.field.flag or each.name).replace("_", "-") + ("-file" if each.field.secret else "")
    help = f"{each.field.words}. {each.field.help}" if each.field.help else f"{each.field.words}."
    if isinstance(each.default, int) and not isinstance(each.default, bool):
        help += f"  [default: {each.default}]"
    if each.type is bool:
        return click.Option([flag], is_flag=True, help=help)
    return click.Option([flag, each.name], type=kind, multiple=each.several, required=each.required, help=help)


def _performing(action: "Action") -> Any:
    def perform(form: str, **written: Any) -> None:
        bar = edge.bar(action.words) if action.takes_its_time else nullcontext()
        with bar as progress, edge.database():
            from workfloor.core.people import queries as people_queries
            from workfloor.kit import declarations
            from workfloor.kit.database import rls
            from workfloor.kit.text import toml
            from workfloor.kit.time import clock

            rls.enter_every_client()  # among whom whoever is signed in is looked for
            by = edge.acting()
            people_queries.enter_for(by, action.permission)
            by_the_edge = {"by": by, "now": clock.now()} | ({"progress": progress} if progress else {})
            try:
                values = action.read({each.name: _given(each, written[each.name]) for each in action.parameters})
                result = action.perform(**values, **by_the_edge)
            except declarations.NotUnderstood as fault:
                raise click.ClickException(
                    "\n".join(each.words + _see(action, each.name) for each in fault.faults)
                ) from None
            except toml.Refused as refused:
                raise click.ClickException("\n".join(_with_file(action, written, refused))) from None
            except ValueError as refused:
                raise click.ClickException(str(refused)) from refused
            said, made = action.told(values, result), declarations.named(result)
        click.echo(json.dumps({"says": said, "made": made}, ensure_ascii=False) if form == "json" else said)

    return perform


def _given(each: "Parameter", written: Any) -> Any:
    if isinstance(written, Path):
        return _read(written, each.largest + 1)
    return list(written) if isinstance(written, tuple) else written


def _read(path: Path, most: int) -> "File":
    from workfloor.kit.declarations import File

    with click.open_file(str(path), "rb") as opened:  # “-” is the standard input
        return File(path.name, opened.read(most))


def _with_file(action: "Action", written: dict[str, Any], refused: "toml.Refused") -> list[str]:
    """Each fault of the file that was given, as editors and terminals open it: FILE:LINE."""
    [path] = (written[each.name] for each in action.parameters if each.is_file)
    where = f"{path}:" if path else ""  # without one it is what holds already that is at fault
    told = [f"{where}{fault.line}: {fault.place}: {fault.message}" for fault in refused.faults]
    return ["nothing was done.", *told]


def _see(action: "Action", name: str) -> str:
    handle = next((each.handle for each in action.parameters if each.name == name), None)
    return f" See: workfloor {handle.see}" if handle and handle.see else ""
