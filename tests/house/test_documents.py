"""What the documents name is there: files, settings, commands."""

import re
from pathlib import Path

import pytest

from workfloor.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_readme_lists_every_setting():
    read = set(
        re.findall(
            r'(?:environ\.get|_flag|_list|_path)\("(WORKFLOOR_\w+)"\)', (ROOT / "workfloor/settings.py").read_text()
        )
    )

    rows = [line.split("|")[1] for line in README.splitlines() if line.startswith("| `WORKFLOOR_")]
    assert {name for row in rows for name in re.findall(r"WORKFLOOR_\w+", row)} == read


def test_the_readme_lists_every_command():
    listed = "\n".join(line.split("|")[1] for line in README.splitlines() if line.startswith("| `workfloor"))

    assert set(re.findall(r"workfloor (\w+)", listed)) == set(COMMANDS)
