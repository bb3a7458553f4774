"""Child processes of `workfloor up`: started, watched, begun again, and ended with their parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workfloor.kit.web import logs

WITH_PARENT: Final = "--with-parent"
GRACE_SECONDS: Final = 8.0
QUICK_END_SECONDS: Final = 10.0
QUICK_ENDS_ALLOWED: Final = 4


class KeepsEnding(Exception):
    """A child ends again and again; the message holds its last words."""


@dataclass
class Child:
    """One command of ours as a process, its output in a file that begins anew with each start of `up`."""

    command: str
    log: Path
    inherits: tuple[int, ...] = ()  # descriptors
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    quick_ends: int = 0
    read: int = 0

    def start(self) -> None:
        """Start it; when this process ends in whatever way, the closing of its stdin ends the child too."""
        if not self.started:
            self.log.write_bytes(b"")
        with self.log.open("ab") as output:  # to append, so that it can be cut
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workfloor", *self.command.split(), WITH_PARENT],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=self.inherits,
                start_new_session=True,  # Ctrl-C is the parent's business
            )
        self.started = time.monotonic()

    def keep_alive(self) -> bool:
        """Start it again if it ended, later each time; whether it had ended. Raises KeepsEnding."""
        if self.process is None or self.process.poll() is None:
            return False
        lived = time.monotonic() - self.started
        self.quick_ends = self.quick_ends + 1 if lived < QUICK_END_SECONDS else 0
        if self.quick_ends > QUICK_ENDS_ALLOWED:
            raise KeepsEnding(f"`workfloor {self.command}` keeps ending. It said, in {self.log}:\n{self.last_words()}")
        time.sleep(0.5 * 2**self.quick_ends)
        self.start()
        return True

    def errors(self) -> list[str]:
        """The errors that it logged since the last call, a line each; a log that has grown too large begins anew."""
        with self.log.open(errors="replace") as output:
            output.seek(self.read)
            lines = output.readlines()
            self.read = output.tell()
        if logs.cut(self.log):
            self.read = 0
        return [line.strip() for line in lines if logs.is_error(line)]

    def last_words(self, lines: int = 12) -> str:
        """The end of its output, as a sentence."""
        said = self.log.read_text(errors="replace").splitlines()[-lines:]
        return f"It said, in {self.log}:\n" + ("\n".join(said) or "nothing")


def end(children: list[Child]) -> None:
    """Ask all of them to end, and after a while make them."""
    alive = [child.process for child in children if child.process and child.process.poll() is None]
    for process in alive:
        process.terminate()
    until = time.monotonic() + GRACE_SECONDS
    for process in alive:
        try:
            process.wait(max(until - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def end_with_parent() -> None:
    """In a child: end when the parent is gone, which shows as the end of stdin."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
