"""The port that several web servers answer on."""

import os
import socket

import click


def bind() -> tuple[str, int]:
    """The address and port of WORKFLOOR_BIND."""
    from workfloor import settings

    host, _, port = settings.WORKFLOOR_BIND.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise click.ClickException(f"WORKFLOOR_BIND is {settings.WORKFLOOR_BIND!r}; write it like 0.0.0.0:8000")
    return host.strip("[]") or "127.0.0.1", int(port)


def take(host: str, port: int) -> socket.socket:
    """Take the port, so that nobody else can; whoever listens on it answers. Refuses one that is not to be had."""
    try:
        return open_door(host, port)
    except OSError as fault:
        raise click.ClickException(
            f"{host}:{port} cannot be used ({fault.strerror or fault}). "
            f"Stop what uses it, or choose another: WORKFLOOR_BIND=127.0.0.1:{port + 1}"
        ) from fault


def open_door(host: str, port: int) -> socket.socket:
    """Raises OSError where the port is taken or not ours."""
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
    except OSError:
        door.close()
        raise
    return door


def processes() -> int:
    """How many web processes there shall be: as many as are asked for, else as many as processors, at most 8."""
    from workfloor import settings

    return settings.WORKFLOOR_WEB_PROCESSES or min(os.cpu_count() or 1, 8)
