"""What the documents name is there: files, settings, commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from workfloor import cli

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GUIDE = sorted(ROOT.glob("docs/guide/*.md"))
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


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, ...]]:
    """Each command that does something, as the words that call it."""
    if not isinstance(command, click.Group):
        yield tuple(context.command_path.split()[1:])
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from commands(below, click.Context(below, parent=context, info_name=name))


def called(text: str) -> Iterator[str]:
    """What stands after `workfloor` wherever a text calls it: in a block of code, or between backticks."""
    return (
        found[1]
        for found in re.finditer(r"(?:`|^ {4,}|&& |\$\()(?:[A-Z_]+=\S+ )*workfloor ([a-z][^`\n&]*)", text, re.M)
    )


def resolved(words: str) -> click.Command:
    """The command that is called so; raises LookupError for one that is not there, or that lacks an option named."""
    command, context, rest = cli.main, click.Context(cli.main), words.split()
    while isinstance(command, click.Group) and rest and re.fullmatch(r"[a-z-]+", rest[0]):
        found = command.get_command(context, rest.pop(0))
        if found is None:
            raise LookupError(f"workfloor {words}")
        command = found
    named = re.findall(r"(?<!\S)\[?(--[a-z-]+)", words.partition(" #")[0].partition(" | ")[0])
    known = {"--help", *(each for option in command.params for each in [*option.opts, *option.secondary_opts])}
    if not known.issuperset(named):
        raise LookupError(f"workfloor {words}: {sorted({*named} - known)}")
    return command


def lost(text: str) -> list[str]:
    """The commands called in a text that are not there."""
    missing = []
    for words in called(text):
        try:
            resolved(words)
        except LookupError as reason:
            missing.append(str(reason))
    return missing


def test_a_command_that_is_not_there_is_found():
    text = "`workfloor statement A`\n\n    workfloor people ad X && workfloor billing invoice issue --series A\n"

    assert [each.split()[1] for each in lost(text)] == ["statement", "people", "billing"]
    assert lost("    X=1 workfloor presales simulate FILE [--seed S] | less --raw   # --none\n`workfloor people`") == []


@pytest.mark.parametrize("document", [ROOT / "README.md", *GUIDE], ids=lambda path: path.name)
def test_every_command_that_is_named_is_there(document):
    text = document.read_text()

    assert document.name == "contract-reference.md" or list(called(text))
    assert lost(text) == []


def test_every_command_in_a_help_is_there():
    leaves = list(commands(cli.main, click.Context(cli.main, info_name="workfloor")))
    every = {path[:length] for path in leaves for length in range(len(path) + 1)}
    told = [resolved(" ".join(path)).get_help(click.Context(cli.main)) for path in every]

    assert len(leaves) > 60
    assert [each for text in told for each in lost(re.sub(r"^  ", "    ", text, flags=re.M))] == []


def test_the_readme_lists_every_command_in_its_group():
    """In a row of its table `workfloor people site add`, `team` are two commands of one group."""
    rows = [line.split("|")[1] for line in README.splitlines() if line.startswith("| `workfloor")]
    listed = set()
    for row in rows:
        above: tuple[str, ...] = ()
        for words in re.findall(r"`([^`]+)`", row):
            path = tuple(re.match(r"(?:[a-z-]+ ?)+", words)[0].split())
            path = path[1:] if path[0] == "workfloor" else above + path
            above = path[:-1]
            listed.add(path)

    assert listed == set(commands(cli.main, click.Context(cli.main, info_name="workfloor")))


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
