"""`workfloor sign-in`: who commands act as; without it, the root of the installation, and the facts say so."""

import os
import socket
from typing import TYPE_CHECKING

import click

from workfloor.cli import edge

if TYPE_CHECKING:
    from workfloor.core.people.models import Account


@click.command(
    "sign-in",
    epilog="""\b
Examples:
  workfloor sign-in rita@example.com
  WORKFLOOR_TOKEN=$(workfloor sign-in rita@example.com --print) workfloor ...     for one command
""",
)
@click.argument("email")
@click.option("--print", "prints", is_flag=True, help="Print the token and keep nothing.")
@click.password_option(confirmation_prompt=False, help="Asked for where it is not given.")
def sign_in(email: str, prints: bool, password: str) -> None:
    """Let your commands on this machine act as you, for 12 hours or until `workfloor sign-out`.

    What you do is recorded as done by you, and only what your roles open is done. Whoever has not signed in acts as
    the root of the installation: the facts say so, and what somebody must answer for by name is refused.
    """
    token, name = _signed_in(email, password)
    if prints:
        click.echo(token)
    else:
        _keep(token)
        click.echo(f"Commands on this machine act as {name} now. End it: workfloor sign-out")


def _signed_in(email: str, password: str) -> tuple[str, str]:
    """The token that the person's commands show from now on, and their name."""
    with edge.installation():
        from django.db import transaction

        from workfloor.core.people import own_account
        from workfloor.core.people import queries as people_queries
        from workfloor.kit.database import rls
        from workfloor.kit.time import clock

        account = _proved(email, password)
        with transaction.atomic():
            rls.enter_every_client()
            found = people_queries.by_account(account.pk)
            if found is None:
                raise click.ClickException(f"{email} belongs to nobody who is with us.")
            _, token = own_account.sign_in(person=found, title=socket.gethostname(), now=clock.now())
    return token, found.name


def _proved(email: str, password: str) -> "Account":
    """The account that belongs to the password and the code, in transactions that are kept: wrong ones are counted."""
    from django.core.exceptions import ValidationError

    from workfloor.core.people import gateway as people_gateway

    try:
        account = people_gateway.proved(email, password)
    except ValidationError as fault:
        raise click.ClickException(" ".join(fault.messages)) from None
    if account is None:
        raise click.ClickException("This address and password do not belong together.")
    if people_gateway.has_second_factor(account):
        code = click.prompt("Code of your second factor", hide_input=True, err=True)
        if not people_gateway.second_factor_proved(account, code):
            raise click.ClickException("That code is wrong or was used before.")
    return account


def _keep(token: str) -> None:
    from django.conf import settings

    path = settings.WORKFLOOR_SIGN_IN
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)


@click.command("sign-out")
def sign_out() -> None:
    """End the sign-in of your commands on this machine; what is done after that is done as root of the installation."""
    with edge.database():
        from django.conf import settings

        from workfloor.core.people import own_account
        from workfloor.core.people import queries as people_queries
        from workfloor.kit.database import rls
        from workfloor.kit.time import clock

        rls.enter_every_client()
        now = clock.now()
        token = edge.token()
        found = people_queries.signed_in_by(token, now) if token else None
        ended = people_queries.sign_in(token) if found else None
        if found and ended:
            own_account.sign_out(sign_in=ended, by=found, now=now)
    settings.WORKFLOOR_SIGN_IN.unlink(missing_ok=True)
    click.echo(f"{found.name} is signed out." if found else "Nobody was signed in.")
