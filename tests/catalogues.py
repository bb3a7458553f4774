"""The catalogues of translated texts: collected from the code, kept by language, compiled for Django.

    python -m tests.catalogues        bring workfloor/ui/locale/*/LC_MESSAGES/django.po up to date; say what is missing

A new text gets an empty translation, which fails the tests; one that the code no longer has goes. Translations are
written into the files by hand, in a language's own order of messages, which is that of their English texts.
"""

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import django
from babel.messages.catalog import Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import denormalize, read_po
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parents[1]
HOUSE: Final = ROOT / "workfloor"
LOCALE: Final = HOUSE / "ui/locale"
# The command line, what it starts, and the sample speak English alone.
APART: Final = ("cli", "demo", "migrations")
KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLURALS: Final = {"es": "nplurals=2; plural=(n != 1);", "hi": "nplurals=2; plural=(n != 1);"}

# A text as code names it: its context or "", in the singular, in the plural or "".
Key = tuple[str, str, str]
# What it is called in a language: one text, or one for each form of the plural.
Said = tuple[str, ...]


def languages() -> list[str]:
    """The languages that have a catalogue; English needs none."""
    return sorted(each.name for each in LOCALE.iterdir() if (each / "LC_MESSAGES/django.po").exists())


def po(language: str) -> Path:
    """Where the catalogue of a language is kept."""
    return LOCALE / language / "LC_MESSAGES/django.po"


def collected() -> dict[Key, list[str]]:
    """Every text of the product that is to be translated, and the files that have it; Django is set up."""
    from workfloor.runtime import declared_texts

    found: dict[Key, list[str]] = {}
    for path in sorted([*HOUSE.rglob("*.py"), *HOUSE.rglob("*.html"), *HOUSE.rglob("*.txt")]):
        if set(path.relative_to(HOUSE).parts[:-1]) & {*APART}:
            continue
        text = path.read_text("utf-8")
        source = text if path.suffix == ".py" else re.sub(r"^[ \t]+", "", templatize(text), flags=re.MULTILINE)
        for key in _texts(source):
            found.setdefault(key, []).append(str(path.relative_to(ROOT)))
    for declared in declared_texts.declared_texts():
        found.setdefault(("", declared, ""), []).append("workfloor/runtime/declared_texts.py")
    return found


def _texts(source: str) -> Iterator[Key]:
    for _, name, given, _ in extract_python(io.BytesIO(source.encode()), KEYWORDS, (), {"encoding": "utf-8"}):
        texts = [given] if isinstance(given, str) else list(given or ())
        context = texts.pop(0) if texts and "pgettext" in name else ""
        if context is None or not texts or not texts[0]:
            continue  # a variable, whose texts are named where they are made
        yield context, texts[0], (texts[1] or "") if name.startswith(("n", "np")) and len(texts) > 1 else ""


def kept(language: str) -> dict[Key, Said]:
    """What the catalogue of a language says; raises AssertionError for one that is marked as fuzzy."""
    path = po(language)
    if not path.exists():
        return {}
    with path.open("rb") as file:
        catalogue = read_po(file, language)
    said = {}
    for message in catalogue:
        if not message.id:
            continue
        assert not message.fuzzy, f"{language}: {message.id!r} is fuzzy; translate it, and take the mark away."
        said[_key(message)] = _said(message)
    return said


def _key(message: Message) -> Key:
    one, many = message.id if isinstance(message.id, tuple | list) else (message.id, "")
    return message.context or "", one, many


def _said(message: Message) -> Said:
    return tuple(message.string) if isinstance(message.string, tuple | list) else (message.string or "",)


def write(language: str, said: dict[Key, Said]) -> None:
    """Write a catalogue: a message a block, by their English texts, without places, so that merges are easy."""
    head = f"Language: {language}\\nContent-Type: text/plain; charset=UTF-8\\nPlural-Forms: {PLURALS[language]}\\n"
    blocks = [f'msgid ""\nmsgstr "{head}"\n']
    for (context, one, many), texts in sorted(said.items(), key=lambda each: (each[0][1], each[0])):
        lines = [f"msgctxt {_quoted(context)}"] if context else []
        lines.append(f"msgid {_quoted(one)}")
        if many:
            lines.append(f"msgid_plural {_quoted(many)}")
            lines += [f"msgstr[{place}] {_quoted(text)}" for place, text in enumerate(texts)]
        else:
            lines.append(f"msgstr {_quoted(texts[0])}")
        blocks.append("\n".join(lines) + "\n")
    po(language).parent.mkdir(parents=True, exist_ok=True)
    po(language).write_text("\n".join(blocks), "utf-8")


def _quoted(text: str) -> str:
    written = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    assert denormalize(f'"{written}"') == text, text
    return f'"{written}"'


def update(language: str) -> list[Key]:
    """Bring a catalogue up to date with the code; returns what is not translated."""
    before = kept(language)
    after = {key: before.get(key, ("", "") if key[2] else ("",)) for key in collected()}
    write(language, after)
    return [key for key, texts in after.items() if not all(texts)]


def compile_all() -> None:
    """Write the compiled catalogues that are missing or older than their source."""
    for language in languages():
        source, made = po(language), po(language).with_suffix(".mo")
        if made.exists() and made.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalogue = read_po(file, language)
        passing = made.with_suffix(f".{os.getpid()}")
        with passing.open("wb") as file:
            write_mo(file, catalogue)
        passing.replace(made)  # at once, for processes of tests read it meanwhile


PLACES: Final = re.compile(r"%\(\w+\)[a-z]|\{[^{}]*\}|%%|</?\w+[^>]*>")


def places(text: str) -> list[str]:
    """What a text leaves open to be filled in, and the elements that it holds."""
    return sorted(set(PLACES.findall(text)))


def faults(language: str) -> list[str]:
    """What a catalogue lacks, has too much, or says in another shape than the English."""
    said, wanted = kept(language), collected()
    found = [f"{language}: not in the catalogue: {key[1]!r} of {wanted[key][0]}" for key in wanted if key not in said]
    found += [f"{language}: no longer in the code: {key[1]!r}" for key in said if key not in wanted]
    for key, texts in said.items():
        if not all(texts):
            found.append(f"{language}: not translated: {key[1]!r}")
            continue
        _, one, many = key
        allowed = {tuple(places(one)), tuple(places(many or one))}
        found += [
            f"{language}: {text!r} fills in {places(text)}, {one!r} fills in {places(one)}"
            for text in texts
            if tuple(places(text)) not in allowed
        ]
    return found


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workfloor.settings")
    django.setup()
    for each in sys.argv[1:] or languages():
        missing = update(each)
        print(f"{each}: {len(missing)} not translated")  # noqa: T201
        for _, one, _ in missing[:20]:
            print(f"    {one[:100]!r}")  # noqa: T201
    compile_all()
