"""What the command line says of itself."""

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
