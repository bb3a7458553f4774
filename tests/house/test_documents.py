"""What the documents name is there: files, settings, commands."""

import re
from pathlib import Path

from workfloor.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()


def test_every_link_leads_somewhere():
    lost = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in DOCUMENTS
        for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", document.read_text())
        if not (document.parent / link).exists()
    ]

    assert not lost, "\n" + "\n".join(lost)


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
