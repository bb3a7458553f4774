"""What is committed: nothing built, no host by name, decisions in their order."""

import re
import subprocess

import pytest

from tests.house.test_rooms import ROOT, faults_of


def committed() -> list[str]:
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout, so nothing tells what is committed")
    return listed.stdout.splitlines()


def test_locks_name_no_host():
    locks = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "package-lock.json"]
    naming = [
        f"{lock.relative_to(ROOT)}:{number}: {line.strip()}"
        for lock in locks
        for number, line in enumerate(lock.read_text().splitlines(), 1)
        if re.search(r"--(extra-)?index-url|--find-links|\"resolved\"|@ https?://", line)
    ]

    assert locks
    faults_of(*naming)


def test_nothing_built_or_vendored_is_committed():
    built = re.compile(r"(^|/)(node_modules|static/vendor|__pycache__|\.venv|var)/|\.min\.(js|css)$|\.(pyc|mo)$")

    faults_of(*(path for path in committed() if built.search(path)))


def test_decisions_are_numbered_in_their_order_and_say_their_state():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    texts = [page.read_text() for page in pages]
    numbers = [int(page.name[:4]) for page in pages]

    assert len(set(numbers)) == len(numbers)
    assert [text.split(".")[0] for text in texts] == [f"# {number}" for number in numbers]
    assert all("\nStatus: " in text for text in texts)
