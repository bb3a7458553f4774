"""A chat as a mail: its lines as text and as HTML, its words, how long it may be, how often it may be asked for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from html import escape
from importlib import resources
from itertools import groupby
from typing import Final

from workfloor.kit.time import calendars
from workfloor.ops.channels.chat import visitors
from workfloor.ops.channels.email.sorting import is_address

COPIES_OF_CHAT: Final = 3  # so often may the copy of one chat be asked for
COPIES_IN: Final = timedelta(days=1)
COPIES_FROM: Final = 10  # from one network within that time
COPIES_TO: Final = 5  # to one address within that time
LONGEST: Final = 200_000  # characters of what was said; of a longer chat, the end is sent


@dataclass(frozen=True)
class Line:
    """What one side said at once, with the day and the time as the reader's language writes them."""

    day: str
    time: str
    who: str
    text: str
    files: tuple[tuple[str, int], ...] = ()  # name, bytes

    @property
    def length(self) -> int:
        return len(self.text) + sum(len(name) for name, _ in self.files)


@dataclass(frozen=True)
class Transcript:
    """All that the mail says; `words` are those of its language, filled in with `names`."""

    language: str
    words: Mapping[str, str]
    names: Mapping[str, str]
    lines: Sequence[Line]
    is_cut: bool  # the beginning is left out

    def say(self, word: str) -> str:
        """One of the words, with the names in their places."""
        return self.words[word].format(**self.names)

    @property
    def notes(self) -> list[str]:
        """What is said below the lines."""
        return [self.say(each) for each in ("zone", "answer", "asked")]


def ending(lines: Sequence[Line], most: int = LONGEST) -> tuple[list[Line], bool]:
    """The last lines that are not longer than `most` characters together, and whether others were left out."""
    kept: list[Line] = []
    room = most
    for line in reversed(lines):
        room -= line.length
        if room < 0 and kept:
            return kept[::-1], True
        kept.append(line)
    return kept[::-1], False


def as_text(transcript: Transcript) -> str:
    """The lines as plain text, day by day."""
    return "\n\n".join(_paragraphs(transcript))


def _paragraphs(transcript: Transcript) -> Iterator[str]:
    if transcript.is_cut:
        yield transcript.say("cut")
    for day, lines in groupby(transcript.lines, key=lambda line: line.day):
        yield f"--- {day} ---"
        for line in lines:
            files = [_file(transcript, name, size) for name, size in line.files]
            yield "\n".join([f"{line.time}  {line.who}:", *([line.text] if line.text else []), *files])
    yield from transcript.notes


def _file(transcript: Transcript, name: str, size: int) -> str:
    return f"[{transcript.words['file'].format(name=name, kilobytes=-(-size // 1000))}]"


def as_html(transcript: Transcript) -> str:
    """The whole mail as simple HTML, in the direction of its language: headings and paragraphs, no style of its own."""
    said = [f"<h1>{escape(transcript.say('subject'))}</h1>", _paragraph(transcript.say("intro"))]
    if transcript.is_cut:
        said.append(_paragraph(transcript.say("cut")))
    for day, lines in groupby(transcript.lines, key=lambda line: line.day):
        said.append(f"<h2>{escape(day)}</h2>")
        said += [_said(transcript, line) for line in lines]
    said += ["<hr>", *map(_paragraph, transcript.notes)]
    attributes = f'lang="{transcript.language}" dir="{transcript.words["direction"]}"'
    head = f'<meta charset="utf-8"><title>{escape(transcript.say("subject"))}</title>'
    return f"<!doctype html><html {attributes}><head>{head}</head><body>{''.join(said)}</body></html>"


def _said(transcript: Transcript, line: Line) -> str:
    files = "".join(f"<br>{escape(_file(transcript, name, size))}" for name, size in line.files)
    text = "<br>".join(map(escape, line.text.split("\n"))) if line.text else ""
    return f'<p><strong>{escape(line.who)}</strong> {escape(line.time)}<br><span dir="auto">{text}</span>{files}</p>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


@cache
def words() -> dict[str, dict[str, str]]:
    """Every word of the mail, by language: the same ones that the widget speaks."""
    text = resources.files(__package__).joinpath("words.json").read_text("utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def address(sent: object) -> str:
    """The address to send a copy to; raises chat.Refused for what is none."""
    written = sent.strip() if isinstance(sent, str) else ""
    if not is_address(written):
        raise visitors.Refused(visitors.Fault("no-email", {"given": written[:60]}))
    return written


def zone(sent: object, usual: str) -> str:
    """The visitor's own time zone, where their browser named one that exists, else the usual one."""
    return sent if isinstance(sent, str) and sent in calendars.zones() else usual
