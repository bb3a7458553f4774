"""What the documents name is there: files, settings, commands."""

import re
from pathlib import Path

from workfloor.cli import COMMANDS, GROUPS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
WHERE_IS = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Where is ...\n")[2].partition("\n## ")[0]
ERRANDS = (ROOT / "docs/decisions/0029-wings.md").read_text().partition("\n## Four errands")[2]


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

    assert set(re.findall(r"workfloor ([\w-]+)", listed)) == {*COMMANDS, *GROUPS}
    unlisted = [
        f"{group} {command}"
        for group, (_, commands) in GROUPS.items()
        for command in commands
        if not re.search(rf"`(workfloor {group} )?{command}\b", listed)
    ]
    assert unlisted == []


def test_where_things_are_is_where_they_are():
    """Every path that CONTRIBUTING names where it says where something is."""
    named = re.findall(r"`([\w.-]+/[\w./-]*)`", WHERE_IS)

    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_errands_go_through_files_that_are_there_and_as_many_as_is_said():
    errands = re.split(r"\n### ", ERRANDS)[1:]

    assert len(errands) == 4
    for errand in errands:
        files = re.findall(r"^\d+\. `(.+)`$", errand, re.MULTILINE)
        assert len(files) == len(set(files)) == int(re.search(r": (\d+) files", errand)[1])
        assert [path for path in files if not (ROOT / path).is_file()] == []
