"""Commands that are made of declared actions: their arguments, limits and help are those of the declaration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.kit.declarations import Action, Parameter


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


class Contents(click.ParamType[str]):
    """What a file holds; “-” is the standard input."""

    name = "file"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            with click.open_file(value, encoding="utf-8") as file:
                return str(file.read())
        except (OSError, UnicodeDecodeError) as fault:
            self.fail(f"{value} cannot be read: {fault}", param, ctx)


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
    epilog = f"\b\nExample:\n  {action.example}\n" if action.example else None
    return Command(
        action.command[-1],
        params=asked,
        help=action.help,
        epilog=epilog,
        callback=_performing(action),
        permission=action.permission,
    )


def _stop_unless_sure(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        raise click.Abort


def _asked(each: "Parameter") -> click.Parameter:
    kind = Contents() if each.is_from_file else click.Choice(each.choices) if each.choices else click.STRING
    if each.required and not each.field.as_option:
        return click.Argument([each.name], type=kind, nargs=-1 if each.several else 1)
    flag = "--" + (each.field.flag or each.name).replace("_", "-") + ("-file" if each.field.secret else "")
    help = f"{each.field.words}. {each.field.help}" if each.field.help else f"{each.field.words}."
    if isinstance(each.default, int) and not isinstance(each.default, bool):
        help += f"  [default: {each.default}]"
    if each.type is bool:
        return click.Option([flag], is_flag=True, help=help)
    return click.Option([flag, each.name], type=kind, multiple=each.several, required=each.required, help=help)


def _performing(action: "Action") -> Any:
    def perform(**written: Any) -> None:
        with edge.database():
            from workfloor.kit import declarations
            from workfloor.kit.time import clock

            by = edge.enter_all()
            try:
                values = action.read(
                    {name: list(each) if isinstance(each, tuple) else each for name, each in written.items()}
                )
                result = action.perform(**values, by=by, now=clock.now())
            except declarations.NotUnderstood as fault:
                raise click.ClickException(
                    "\n".join(each.words + _see(action, each.name) for each in fault.faults)
                ) from None
            except ValueError as refused:
                raise click.ClickException(str(refused)) from refused
        click.echo(action.told(values, result))

    return perform


def _see(action: "Action", name: str) -> str:
    handle = next((each.handle for each in action.parameters if each.name == name), None)
    return f" See: workfloor {handle.see}" if handle and handle.see else ""
