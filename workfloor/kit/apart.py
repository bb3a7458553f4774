"""A function that runs in processes of its own, which are ended when it takes too long or too much memory."""

import importlib
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final

import psutil

from workfloor.kit.text.translation import gettext_noop

WALL: Final = 3  # seconds on the clock for each of the processor's, and one: the machine may have other things to do
START_SECONDS: Final = 20.0  # on the clock, for a process to load what it runs
STALLED_SECONDS = 10  # between two pieces of one message
MEMORY_KEPT: Final = 4  # a process that keeps a quarter of its memory makes room for a new one

Answer = tuple[bool, Any, bool]  # whether it was computed, what, or why not, and whether its process takes another


class NotComputed(Exception):
    """It raised, was ended, or died; the message says which."""


class Apart:
    """Processes that run one function ("package.module:function"), as many at once as are asked, started when needed.

    What is asked and answered is pickled. They hold no connection of whoever asks, and end with it.
    """

    def __init__(self, function: str, memory: int, files: Sequence[int] = ()) -> None:
        self._function = function
        self._memory = memory  # bytes of address space
        self._files = files  # open ones, by number, which they share
        self._idle: list[_Process] = []

    def ask(self, *arguments: Any, seconds: float) -> Any:
        """Compute it with so many seconds of the processor, or raise NotComputed. Any number of threads may ask."""
        process = self._idle.pop() if self._idle else _Process(self._function, self._memory, self._files)
        try:
            is_computed, found, takes_another = process.ask(arguments, seconds)
        except BaseException:
            process.end()
            raise
        if takes_another:
            self._idle.append(process)
        else:
            process.end()
        if not is_computed:
            raise NotComputed(found)
        return found

    def processes(self) -> list[int]:
        """The ids of those that wait to be asked."""
        return [each.id for each in self._idle]

    def end(self) -> None:
        """End those that wait to be asked."""
        while self._idle:
            self._idle.pop().end()


class _Process:
    def __init__(self, function: str, memory: int, files: Sequence[int]) -> None:
        self._connection, theirs = Pipe()
        _bound(self._connection)
        known = {name: value for name, value in os.environ.items() if not name.startswith("WORKFLOOR_")}
        command = [sys.executable, "-P", "-m", __name__, str(theirs.fileno()), function, str(memory)]
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno(), *files],
                stdin=subprocess.DEVNULL,
                env=known | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C is its owner's business
            )
        self.id = self._process.pid
        self._is_new = True

    def ask(self, arguments: tuple[Any, ...], seconds: float) -> Answer:
        until = 1 + seconds * WALL + (START_SECONDS if self._is_new else 0)
        try:
            self._connection.send((arguments, seconds))
            if not self._connection.poll(until):
                raise NotComputed(gettext_noop("it took more than {until:.0f} seconds").format(until=until))
            answer: Answer = self._connection.recv()
        except (EOFError, OSError) as gone:
            raise NotComputed(self._why_it_ended(seconds)) from gone
        self._is_new = False
        return answer

    def _why_it_ended(self, seconds: float) -> str:
        try:
            code = self._process.wait(WALL)
        except subprocess.TimeoutExpired:
            return gettext_noop("the process that reads it takes nothing and gives nothing")
        if code == -signal.SIGPROF:
            return gettext_noop("it took more than {seconds:.1f} seconds of the processor").format(seconds=seconds)
        return gettext_noop("the process that read it ended ({signal})").format(
            signal=signal.Signals(-code).name if code < 0 else code
        )

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()


def _bound(connection: Connection) -> None:
    """Let a message that is begun and not taken, or not given, for so long be an error: both wait in the kernel."""
    with socket.socket(fileno=os.dup(connection.fileno())) as ours:
        for way in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            ours.setsockopt(socket.SOL_SOCKET, way, struct.pack("ll", STALLED_SECONDS, 0))


# --- within such a process --------------------------------------------------------------------------------------------


def _serve(asked: Connection, do: Callable[..., Any], memory: int) -> None:
    """Answer until nobody asks any more; the kernel ends this process once an answer takes too much processor time."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    while True:
        try:
            arguments, seconds = asked.recv()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = _answer(do, arguments, memory)
        signal.setitimer(signal.ITIMER_PROF, 0)
        asked.send_bytes(answer)


def _answer(do: Callable[..., Any], arguments: tuple[Any, ...], memory: int) -> bytes:
    try:
        found = do(*arguments)
        takes_another = psutil.Process().memory_info().rss * MEMORY_KEPT < memory
        return pickle.dumps((True, found, takes_another))
    except MemoryError:
        return pickle.dumps((False, gettext_noop("it took too much memory"), False))
    except Exception as fault:
        return pickle.dumps((False, f"{type(fault).__name__}: {fault}", True))


if __name__ == "__main__":
    _module, _, _name = sys.argv[2].partition(":")
    _serve(Connection(int(sys.argv[1])), getattr(importlib.import_module(_module), _name), int(sys.argv[3]))
