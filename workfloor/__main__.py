"""`python -m workfloor` is the command line."""

from workfloor.cli import main

main(prog_name="workfloor")
