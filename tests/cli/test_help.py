"""What the command line says of itself."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from workfloor import cli


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_explains_itself(name):
    shown = CliRunner().invoke(cli.main, [name, "--help"])

    assert shown.exit_code == 0, shown.output
    assert "Usage:" in shown.output


def test_help_lists_every_command_without_loading_any():
    line = (
        "import sys; from workfloor.cli import main; main(['--help'], standalone_mode=False); "
        "sys.exit('django' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)

    assert shown.returncode == 0
    assert all(name in shown.stdout for name in cli.COMMANDS)


def test_every_command_is_there_in_an_environment_that_names_no_settings():
    program = (
        "import click; from workfloor import cli\n"
        "def walk(command, context):\n"
        "    for name in command.list_commands(context) if isinstance(command, click.Group) else ():\n"
        "        walk(command.get_command(context, name), context)\n"
        "walk(cli.main, click.Context(cli.main))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    walked = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)

    assert walked.returncode == 0, walked.stderr
