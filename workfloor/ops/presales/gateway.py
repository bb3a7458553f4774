"""Reads exports, CSV and Parquet, row by row: never more than a batch in memory, every fault with its line."""

import codecs
import csv
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from io import BufferedReader
from pathlib import Path
from typing import Any

from workfloor.kit import extras
from workfloor.ops.presales.export_rows import Map, Record, Refused

LONGEST_LINE = 1_000_000
LONGEST_FIELD = 10_000
BATCH = 2_000

# Called with how many bytes of the file have been read.
Progress = Callable[[int], None]


class Export:
    """An export held open, so that every pass reads the same file even if another takes its name meanwhile."""

    def __init__(self, file: BufferedReader, name: str) -> None:
        self._file = file
        self.name = name
        self.number = file.fileno()
        self.size = os.fstat(self.number).st_size

    def sha256(self) -> str:
        # Another process may have read the file meanwhile and moved its place, of which a buffer knows nothing.
        with open(self.number, "rb", closefd=False) as afresh:
            afresh.seek(0)
            return hashlib.file_digest(afresh, "sha256").hexdigest()

    def unused_columns(self, how: Map) -> list[str]:
        """The columns of the file that the map does not name. Raises Refused if one that it names is missing."""
        header = _parquet_header(self._file) if self._is_parquet() else next(_csv_rows(self._file, how))[1]
        _check_header(header, how)
        used = set(how.used_columns())
        return [name for name in header if name not in used]

    def records(self, how: Map, progress: Progress = lambda done: None) -> Iterator[Record]:
        """Yield every row after the header, in the file's order. Raises Refused where the file breaks off."""
        read = _parquet_records if self._is_parquet() else _csv_records
        return read(self._file, how, progress)

    def _is_parquet(self) -> bool:
        self._file.seek(0)
        magic = self._file.read(4)
        self._file.seek(0)
        return magic == b"PAR1"


@contextmanager
def opened(path: Path) -> Iterator[Export]:
    """Open an export for reading. Raises Refused if it is no plain file or empty."""
    try:
        # Not blocking: a pipe without a writer would never open.
        file = open(  # noqa: SIM115
            path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)
        )
    except OSError as error:
        raise Refused(f"{error.strerror}: check the name and the rights of the file") from error
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a plain file: it is read more than once, so save it to disk first")
        if status.st_size == 0:
            raise Refused("the file is empty")
        yield Export(file, path.name.encode(errors="replace").decode())


def _check_header(header: Sequence[str], how: Map) -> None:
    twice = sorted({name for name in header if header.count(name) > 1} & set(how.used_columns()))
    if twice:
        raise Refused(f"the header names {_listed(twice)} more than once: rename all but one", 1)
    missing = [name for name in how.used_columns() if name not in header]
    if missing:
        there = _listed(list(header)[:40])
        raise Refused(f"no column {_listed(missing)}: the map names it, the file has {there}", 1)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in names)


# --- CSV --------------------------------------------------------------------------------------------------------


def _csv_records(file: BufferedReader, how: Map, progress: Progress) -> Iterator[Record]:
    rows = _csv_rows(file, how, progress)
    _, header = next(rows)
    _check_header(header, how)
    wanted = {name: header.index(name) for name in how.used_columns()}
    for line, row in rows:
        if fault := _fault(row, len(header)):
            yield Record(line, {}, fault)
        else:
            yield Record(line, {name: row[place] for name, place in wanted.items()})


def _csv_rows(
    file: BufferedReader, how: Map, progress: Progress = lambda done: None
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the line that each begins at; the header first, its names stripped."""
    csv.field_size_limit(LONGEST_FIELD * 4)
    reader = csv.reader(_lines(file, how, progress), delimiter=how.delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, [name.strip() for name in row] if line == 1 else row
            line = reader.line_num + 1
    except csv.Error as error:
        raise Refused(f"not CSV ({error}): look for an open quote from this line on", line) from error
    if line == 1:
        raise Refused("the file has no header", 1)


def _lines(file: BufferedReader, how: Map, progress: Progress) -> Iterator[str]:
    """Yield the lines as text. Bytes that are not of the encoding become lone surrogates, found again by `_fault`."""
    decode = codecs.getdecoder(how.encoding)
    number, line, done = 0, b"\n", 0
    while following := file.readline(LONGEST_LINE + 1):
        number, line, done = number + 1, following, done + len(following)
        if len(line) > LONGEST_LINE:
            raise Refused(f"a line longer than {LONGEST_LINE:,} bytes: is it CSV?", number)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        yield decode(line, "surrogateescape")[0]
        if number % BATCH == 0:
            progress(done)
    progress(done)
    if not line.endswith(b"\n") and not how.open_end:
        raise Refused(
            "the last line does not end: the file looks cut short. Export it again, or set "
            "open_end = true under [file] if this export never ends its last line",
            number,
        )


def _fault(row: list[str], width: int) -> str:
    if len(row) != width:
        return f"{len(row)} fields where the header has {width}" if row else "an empty line"
    for text in row:
        if len(text) > LONGEST_FIELD:
            return f"a field longer than {LONGEST_FIELD:,} characters"
        if "\0" in text:
            return "a NUL byte"
        if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
            return "bytes that are not of the file's encoding: see encoding under [file]"
    return ""


# --- Parquet ----------------------------------------------------------------------------------------------------


def _arrow() -> Any:
    # Loaded here because it takes 0.2 s and 80 MB that a CSV need not pay.
    arrow = extras.load("pyarrow", "Reading Parquet")
    extras.load("pyarrow.parquet", "Reading Parquet")
    return arrow


def _parquet(file: BufferedReader) -> Any:
    arrow = _arrow()
    try:
        return arrow.parquet.ParquetFile(file, page_checksum_verification=True)
    except (OSError, ValueError, arrow.ArrowException) as error:  # ValueError: a column's name is no text
        raise Refused(f"not whole Parquet ({error}): it may be cut short; export it again") from error


def _parquet_header(file: BufferedReader) -> list[str]:
    return list(_parquet(file).schema_arrow.names)


def _parquet_records(file: BufferedReader, how: Map, progress: Progress) -> Iterator[Record]:
    parquet, arrow = _parquet(file), _arrow()
    _check_header(parquet.schema_arrow.names, how)
    total, size, line = parquet.metadata.num_rows, os.fstat(file.fileno()).st_size, 0
    try:
        for batch in parquet.iter_batches(batch_size=BATCH, columns=how.used_columns()):
            for row in batch.to_pylist():
                line += 1
                values = {name: _text(value) for name, value in row.items()}
                yield Record(line, values, _fault(list(values.values()), len(values)))
            progress(size * line // total)
    except (OSError, ValueError, arrow.ArrowException) as error:  # ValueError: a time that Python cannot hold
        raise Refused(f"the Parquet data breaks off ({error}): export it again", line + 1) from error


def _text(value: object) -> str:
    """A typed value as the text that a CSV of the same export would hold; a whole float is a whole number."""
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case float() if value.is_integer():
            return str(int(value))
        case Decimal() if value.is_finite() and value == int(value):
            return str(int(value))
    return str(value)


# --- the map ----------------------------------------------------------------------------------------------------


def map_text(path: Path) -> str:
    """The text of a map file. Raises Refused if it is no text of at most a megabyte."""
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_LINE + 1)
        if len(content) > LONGEST_LINE:
            raise Refused(f"larger than {LONGEST_LINE:,} bytes: is it a map?")
        return content.decode()
    except OSError as error:
        raise Refused(f"{error.strerror}: check the name and the rights of the file") from error
    except UnicodeDecodeError as error:
        raise Refused("not UTF-8 text: save the map as UTF-8") from error
