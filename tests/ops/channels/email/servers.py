"""Debian's Postfix and Dovecot, each with a configuration of its own in a folder that is gone afterwards."""

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from imapclient import IMAPClient

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/postfix
maillog_file_prefixes = {folder}
myhostname = mx.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
recipient_delimiter = +
relay_domains = {relayed}
transport_maps = texthash:{folder}/transport
virtual_mailbox_domains = {kept}
virtual_mailbox_maps = texthash:{folder}/boxes
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
queue_run_delay = 5s
minimal_backoff_time = 5s
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log/dovecot
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = {uid}
last_valid_uid = {uid}
first_valid_gid = {gid}
last_valid_gid = {gid}
mail_location = maildir:{folder}/mail/%n
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
"""


def missing() -> str:
    """Why there are no servers here; empty where there are."""
    programs = [name for name in ("/usr/sbin/postfix", "/usr/sbin/dovecot") if not Path(name).exists()]
    if programs:
        return f"{' and '.join(programs)} are not here: apt-get install postfix dovecot-imapd"
    return "" if os.geteuid() == 0 else "Postfix is started by root alone"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Servers:
    folder: Path
    smtp: int
    imap: int
    tls: int = 0

    def inbox(self, name: str) -> list[bytes]:
        """What was delivered to somebody's box, in the order of delivery."""
        found = [*(self.folder / "mail" / name / "new").glob("*"), *(self.folder / "mail" / name / "cur").glob("*")]
        return [path.read_bytes() for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]

    def put(self, name: str, raw: bytes, folder: str = "") -> None:
        """Deliver a mail into somebody's box as a mail server does: written whole, and then seen."""
        box = self.folder / "mail" / name / (f".{folder}" if folder else "")
        at = f"{time.time_ns()}.{os.getpid()}"
        (box / "tmp" / at).write_bytes(raw)
        _own(box / "tmp" / at)
        (box / "tmp" / at).rename(box / "new" / at)

    def make_folder(self, name: str, folder: str = "") -> None:
        box = self.folder / "mail" / name / (f".{folder}" if folder else "")
        for each in ("cur", "new", "tmp"):
            (box / each).mkdir(parents=True, exist_ok=True)
        for each in (box.parent, box, *box.iterdir()):
            _own(each)

    def rename_folder(self, name: str, folder: str, to: str | None) -> None:
        """Over IMAP, as somebody with a mail program does it; None deletes it."""
        with IMAPClient("127.0.0.1", port=self.imap, ssl=False) as client:
            client.login(name, "secret")
            client.rename_folder(folder, to) if to else client.delete_folder(folder)

    def number_anew(self, name: str, uid_validity: int) -> None:
        """Forget which numbers mails had, as a server does that is restored from a copy."""
        box = self.folder / "mail" / name
        for each in box.glob("dovecot*"):
            each.unlink()
        (box / "dovecot-uidlist").write_text(f"3 V{uid_validity} N1 G{'0' * 32}\n")
        _own(box / "dovecot-uidlist")

    def said(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in (self.folder / "log").iterdir())


@contextmanager
def running(relayed: dict[str, int], kept: list[str], boxes: list[str]) -> Iterator[Servers]:
    """`relayed` domains go on to a port of this machine, `kept` ones have `boxes`, which Dovecot shows."""
    nobody = pwd.getpwnam("nobody")
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="workfloor-mail-", dir="/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        servers = Servers(folder, free_port(), free_port())
        _lay_out(servers, relayed, kept, boxes, nobody)
        _start_postfix(folder, stack)
        _start_dovecot(folder, stack)
        for port in (servers.smtp, servers.imap):
            wait_for(port, servers)
        yield servers


@contextmanager
def dovecot() -> Iterator[Servers]:
    """Dovecot alone, with one empty box; also over TLS, with a certificate that nobody knows."""
    nobody = pwd.getpwnam("nobody")
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="workfloor-mail-", dir="/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        found = Servers(folder, 0, free_port(), free_port())
        for name in ("mail", "log", "run", "state"):
            (folder / name).mkdir()
        _own(folder / "mail")
        found.make_folder("box")
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=imap.test"]
        pair = ["-keyout", folder / "key.pem", "-out", folder / "chain.pem"]
        subprocess.run([*command, *pair], check=True, capture_output=True)
        plain = "mailbox_idle_check_interval = 1 secs\n" + DOVECOT.format(
            folder=folder, port=found.imap, uid=nobody.pw_uid, gid=nobody.pw_gid
        )
        tls = f"ssl = yes\nssl_cert = <{folder}/chain.pem\nssl_key = <{folder}/key.pem"
        own = plain.replace("ssl = no", tls).replace("port = 0\n", f"port = {found.tls}\n    ssl = yes\n")
        (folder / "dovecot.conf").write_text(own)
        _start_dovecot(folder, stack)
        wait_for(found.imap, found)
        yield found


def _own(path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(path, nobody.pw_uid, nobody.pw_gid)


def _lay_out(servers, relayed, kept, boxes, nobody) -> None:
    folder, ids = servers.folder, {"uid": nobody.pw_uid, "gid": nobody.pw_gid}
    for name in ("queue", "queue/pid", "data", "mail", "log", "run", "state"):
        (folder / name).mkdir()
    for name in (
        "active",
        "bounce",
        "corrupt",
        "defer",
        "deferred",
        "flush",
        "hold",
        "incoming",
        "private",
        "saved",
        "trace",
    ):
        (folder / "queue" / name).mkdir(mode=0o700)
        shutil.chown(folder / "queue" / name, "postfix")
    for name, mode in (("public", 0o710), ("maildrop", 0o730)):
        (folder / "queue" / name).mkdir()
        os.chown(folder / "queue" / name, pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid)
        (folder / "queue" / name).chmod(mode)
    shutil.chown(folder / "data", "postfix", "postfix")
    os.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)
    (folder / "main.cf").write_text(MAIN.format(folder=folder, relayed=" ".join(relayed), kept=" ".join(kept), **ids))
    (folder / "master.cf").write_text(MASTER.format(port=servers.smtp))
    routes = {domain: f"smtp:[127.0.0.1]:{port}" for domain, port in relayed.items()}
    (folder / "transport").write_text("".join(f"{name} {route}\n" for name, route in routes.items()))
    (folder / "boxes").write_text("".join(f"{each} {each.split('@')[0]}/\n" for each in boxes))
    (folder / "dovecot.conf").write_text(DOVECOT.format(folder=folder, port=servers.imap, **ids))


def _start_postfix(folder: Path, stack: ExitStack) -> None:
    log = stack.enter_context((folder / "log" / "master").open("wb"))
    command = ["/usr/lib/postfix/sbin/master", "-c", str(folder), "-d"]
    stack.callback(_end, subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))


def _start_dovecot(folder: Path, stack: ExitStack) -> None:
    log = stack.enter_context((folder / "log" / "dovecot-said").open("wb"))
    command = ["/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")]
    stack.callback(_end, subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(port: int, servers: Servers) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}. The servers said:\n{servers.said()}")
