"""File locks between processes; the kernel drops them when their holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """A lock held from its making until `release`; several may share it, or one has it alone.

    Raises BlockingIOError where somebody is in the way and `wait` is false.
    """

    def __init__(self, path: Path, *, shared: bool = False, wait: bool = True) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self.descriptor, kind if wait else kind | fcntl.LOCK_NB)
        except BaseException:
            os.close(self.descriptor)
            raise

    def release(self) -> None:
        """Give the lock up; a second call does nothing. A process that inherited the descriptor keeps it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def is_free(path: Path, *, shared: bool = False) -> bool:
    """Whether the lock could be had at this moment."""
    try:
        FileLock(path, shared=shared, wait=False).release()
    except BlockingIOError:
        return False
    return True
