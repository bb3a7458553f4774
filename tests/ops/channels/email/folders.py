"""IMAP servers in a test: one that says word for word what a test wants, and a way to it that can break."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that has each of its connections in a thread of its own; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=[listening, talk], daemon=True).start()
        yield listening.getsockname()[1]


def _accept(listening: socket.socket, talk: Callable[[socket.socket], None]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=_talk, args=[connection, talk], daemon=True).start()


def _talk(connection: socket.socket, talk: Callable[[socket.socket], None]) -> None:
    with connection:
        with suppress(OSError):
            talk(connection)
        with suppress(OSError):  # or another thread that reads from it would keep it open
            connection.shutdown(socket.SHUT_RDWR)


class Way:
    """The way to a server. `when` is told of what the server says; where it returns False, that is held back."""

    def __init__(self, port: int) -> None:
        self.port, self.connections = port, 0
        self.when: Callable[[bytes, socket.socket], bool] = lambda said, client: True

    def talk(self, client: socket.socket) -> None:
        self.connections += 1
        with socket.create_connection(("127.0.0.1", self.port)) as server:
            threading.Thread(target=self._up, args=[client, server], daemon=True).start()
            while said := server.recv(65536):
                if self.when(said, client):
                    client.sendall(said)

    @staticmethod
    def _up(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                server.sendall(said)
            server.shutdown(socket.SHUT_RDWR)


class Script:
    """A server of one folder: of a second mail it tells at the very end of its answer to the first search, of a third
    in one breath with its yes to IDLE."""

    RAW = b"Subject: x\r\n\r\nx\r\n"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.count = 1
        self.idle = threading.Event()

    def talk(self, client: socket.socket) -> None:
        client.sendall(b"* OK [CAPABILITY IMAP4rev1 IDLE] here\r\n")
        idling = ""
        for line in client.makefile("rb"):
            tag, _, command = line.decode().strip().partition(" ")
            if tag == "DONE":
                client.sendall(f"{idling} OK done\r\n".encode())
                continue
            verb = " ".join(command.split()[: 2 if command.startswith("UID") else 1])
            idling = tag if verb == "IDLE" else ""
            self.asked.append(verb)
            client.sendall(self._answer(tag, verb, command))
            if self.asked.count("IDLE") == 2:
                self.idle.set()

    def _answer(self, tag: str, verb: str, command: str) -> bytes:
        done = f"{tag} OK done\r\n".encode()
        if verb == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 IDLE\r\n" + done
        if verb == "IDLE":
            came, self.count = self.count == 2, 3
            return b"+ waiting\r\n" + (b"* 3 EXISTS\r\n" if came else b"")
        if verb == "EXAMINE":
            return f"* {self.count} EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 2] n\r\n".encode() + done
        if verb == "UID SEARCH":
            return self._found(int(command.split()[-1].partition(":")[0]), done)
        if verb == "UID FETCH":
            wanted = [int(uid) for uid in command.split()[2].split(",")]
            return b"".join(self._mail(uid, whole="RFC822.SIZE" not in command) for uid in wanted) + done
        return done

    def _mail(self, uid: int, whole: bool) -> bytes:
        if whole:
            return f"* {uid} FETCH (UID {uid} BODY[] {{{len(self.RAW)}}}\r\n".encode() + self.RAW + b")\r\n"
        return f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(self.RAW)})\r\n".encode()

    def _found(self, first: int, done: bytes) -> bytes:
        uids = " ".join(str(uid) for uid in range(first, self.count + 1))
        told = b""
        if self.count == 1:  # a second mail comes when the search has just been done
            self.count, told = 2, b"* 2 EXISTS\r\n"
        return f"* SEARCH {uids}\r\n".encode() + told + done
