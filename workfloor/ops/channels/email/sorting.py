"""What a mail is, and where it belongs."""

import hashlib
import hmac
import json
import re
from base64 import b32encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from workfloor.kit.mail import masking, quoting
from workfloor.kit.mail.mime import Mail, names_in, read
from workfloor.kit.text.translation import gettext_noop

STATES: Final = ("waiting", "taken", "set-aside", "held", "failed", "discarded")

FLOOD_WINDOW: Final = timedelta(minutes=10)
MOST_HOPS: Final = 100  # Received headers of a mail that goes round in circles

# --- mailboxes ---------------------------------------------------------------------------------------------------

_LOCAL = r"[A-Za-z0-9!#$%&'*/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*/=?^_`{|}~-]+)*"
_ADDRESS = re.compile(rf"{_LOCAL}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{{2,63}}")


def is_address(text: str) -> bool:
    """Whether a mailbox can have this address; a plus is kept for what we add to it."""
    return len(text) <= 200 and bool(_ADDRESS.fullmatch(text))


# --- signed addresses: where an answer goes, and where a report of its failure goes --------------------------------


def signed_address(address: str, kind: str, number: int, key: str) -> str:
    """An address of a mailbox that names a case ("c") or a reply ("r") and cannot be made up by others.

    The mailbox's own where the longer one would not be an address any more (64 characters before the @).
    """
    local, _, domain = address.rpartition("@")
    tagged = f"{local}+{kind}{number}-{_signature(address, kind, number, key)}"
    return f"{tagged}@{domain}" if len(tagged) <= 64 else address


def _signature(address: str, kind: str, number: int, key: str) -> str:
    told = f"workfloor channels mail {address.lower()} {kind} {number}".encode()
    return b32encode(hmac.digest(key.encode(), told, "sha256"))[:16].decode().lower()


_TAG = re.compile(r"([cr])([0-9]{1,18})-([a-z2-7]{16})")


def named_by(address: str, key: str) -> tuple[str, int] | None:
    """What a signed address names: ("c", case) or ("r", reply); None for one that we did not sign, or not like this."""
    plain, tag = split(address)
    found = _TAG.fullmatch(tag)
    if found is None or not hmac.compare_digest(_signature(plain, found[1], int(found[2]), key), found[3]):
        return None
    return found[1], int(found[2])


def split(address: str) -> tuple[str, str]:
    """An address without what follows the plus, and what follows it; both in small letters."""
    local, _, domain = address.lower().rpartition("@")
    plain, _, tag = local.partition("+")
    return f"{plain}@{domain}", tag


# --- what is never a case ------------------------------------------------------------------------------------------

_DAEMONS = re.compile(r"^(mailer[-_.]?daemon|mail\.delivery\.system|mail[-_.]?daemon)", re.IGNORECASE)
_POSTMASTER = re.compile(r"^(postmaster|postoffice|mail[-_.]?admin)", re.IGNORECASE)
_REPORTS = re.compile(
    r"undeliver|delivery (failure|failed|status|notification|report|error)|mail delivery|returned mail"
    r"|return(ed)? to sender|failure notice|mail system error|non[- ]?delivery|delivery has failed"
    r"|could not be delivered|unzustellbar|error message|message you sent blocked|недоставлен|エラー",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"^\W*(automatic reply|auto(matic)?[- ]?reply|auto[- ]?response|out of (the )?office|away from|on vacation"
    r"|abwesenheits(notiz|nachricht)|automatische antwort|réponse automatique|absence du bureau|respuesta automática"
    r"|fuera de la oficina|risposta automatica|resposta automática|automatisch antwoord|afwezig|autosvar|autosvar"
    r"|automatyczna odpowiedź|automatická odpověď|автоответ|自動応答|自动回复|自動返信)\b",
    re.IGNORECASE,
)


def never_a_case(
    mail: Mail,
    envelope_sender: str,
    is_ours: Callable[[str], bool],
    names_a_failure: Callable[[], bool] = lambda: False,
) -> str:
    """Why a mail neither opens a case nor answers in one; empty where it may.

    `envelope_sender` is "<>" for the null sender, empty where nobody knows it; `is_ours` says whether an address is a
    mailbox of this installation; `names_a_failure` whether one knows the mail for a report by its words alone.
    """
    if is_ours(split(mail.sender.address)[0]):
        return gettext_noop("our own mail")
    if len(mail.headers.get("received", ())) > MOST_HOPS:
        return gettext_noop("a loop")
    if _is_feedback(mail):
        return gettext_noop("a feedback report")
    if mail.report_type == "disposition-notification":
        return gettext_noop("a receipt")
    if _is_delivery_report(mail, _is_null(mail, envelope_sender)):
        return gettext_noop("a delivery report")
    # People pass reports on and ask what they mean; so words count only where a server may have written them.
    if _is_from_a_server(mail, envelope_sender) and names_a_failure():
        return gettext_noop("a delivery report")
    if _is_automatic(mail, envelope_sender):
        return gettext_noop("an automatic reply")
    return gettext_noop("a list's mail") if _is_of_a_list(mail, is_ours) else ""


def _is_feedback(mail: Mail) -> bool:
    return mail.report_type == "feedback-report" or any("feedback-type" in block for block in mail.reports)


def _is_null(mail: Mail, envelope_sender: str) -> bool:
    return envelope_sender == "<>" or mail.first("return-path") == "<>"


def _is_from_a_server(mail: Mail, envelope_sender: str) -> bool:
    return _is_null(mail, envelope_sender) or bool(_POSTMASTER.match(_local(mail)))


def _local(mail: Mail) -> str:
    """Who it is from, before the @; where From has no address, all that it says."""
    return mail.sender.address.rpartition("@")[0] or mail.first("from").strip('"<> ')


def _is_delivery_report(mail: Mail, null: bool) -> bool:
    if mail.media_type == "multipart/report" and mail.report_type in ("delivery-status", ""):
        return True
    if any("final-recipient" in block or "original-recipient" in block for block in mail.reports):
        return True
    if "x-failed-recipients" in mail.headers or _DAEMONS.match(_local(mail)) or _notification(mail):
        return True
    from_nobody = null and not mail.sender.address
    return bool(_REPORTS.search(mail.first("subject"))) and (from_nobody or bool(_POSTMASTER.match(_local(mail))))


def _notification(mail: Mail) -> Mapping[str, object]:
    """A report as one mail service's notifications carry it, in JSON within JSON; empty where it is none."""
    if "x-amz-sns-message-id" not in mail.headers:
        return {}
    whole = re.sub(r"!?\n ?", "", mail.text)
    try:
        told = json.loads(json.loads(whole)["Message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        kind = re.search(r'notificationType\\*"\s*:\s*\\*"(Bounce|Complaint|Delivery)', whole)
        return {"notificationType": kind[1]} if kind else {}
    return told if isinstance(told, dict) and "notificationType" in told else {}


def _is_automatic(mail: Mail, envelope_sender: str) -> bool:
    """Whether a program answered. What a program wrote by itself, such as a form on a site, is no answer."""
    if _POSTMASTER.match(_local(mail)):
        return False  # what a postmaster writes that is no report in a known form, a person reads
    automatic = mail.first("auto-submitted").lower()
    if automatic.startswith("auto-replied") or (automatic.startswith("auto-") and mail.answers):
        return True
    if {"x-autoreply", "x-autorespond", "x-autoreply-from", "x-autoresponse"} & mail.headers.keys():
        return True
    if mail.first("precedence").lower() in ("auto_reply", "auto-reply"):
        return True
    return _is_null(mail, envelope_sender) or bool(_AWAY.match(mail.first("subject")))


def _is_of_a_list(mail: Mail, is_ours: Callable[[str], bool]) -> bool:
    """Whether a mailing list sent it; a list that is the mailbox itself passes its customers' mail on."""
    name = next(iter(re.findall(r"<([^<>\s]+)>", mail.first("list-id"))), mail.first("list-id"))
    if name:
        local, _, domain = name.partition(".")
        return not is_ours(f"{local}@{domain}".lower())
    bulk = mail.first("precedence").lower() in ("bulk", "list", "junk")
    return bulk and any(header.startswith("list-") for header in mail.headers)


# --- reports of our own replies --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failure:
    """What a report says of a reply: whether it is final, and in which words."""

    is_final: bool
    reason: str


_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_CODE = re.compile(r"\b([45])\d\d[ -]")
_DELAYED = re.compile(r"delay|warning|will (continue|keep|retry)|not yet been delivered|temporar", re.IGNORECASE)


def failure(mail: Mail) -> Failure:
    """Read a delivery report: by its machine-readable part, else by the codes and words of its text."""
    block = next((each for each in mail.reports if "action" in each or "status" in each), {})
    reason = block.get("diagnostic-code") or block.get("status") or _worded(mail)
    action, status = block.get("action", "").lower(), block.get("status", "")
    if action in ("delayed", "delivered", "relayed", "expanded"):
        return Failure(False, reason)
    if action.startswith("failed") or status.startswith("5"):
        return Failure(True, reason)
    found = _STATUS.search(mail.text) or _CODE.search(mail.text)
    is_final = found[1] == "5" if found else not _DELAYED.search(mail.first("subject"))
    return Failure(is_final, reason)


def _worded(mail: Mail) -> str:
    telling = [line.strip() for line in mail.text.splitlines() if _STATUS.search(line) or _CODE.search(line)]
    return (telling[0] if telling else mail.first("subject") or gettext_noop("no reason was given"))[:500]


def may_report(mail: Mail, envelope_sender: str, why: str, to_a_reply: bool) -> bool:
    """Whether a mail may tell that a reply of ours did not arrive; `why` is why it is never a case.

    What came to a reply's own address from nobody or a postmaster does, in whichever form.
    """
    return why == "a delivery report" or (to_a_reply and not why and _is_from_a_server(mail, envelope_sender))


def reported_on(mail: Mail) -> list[str]:
    """The names of the mails that a report may be about, the likeliest first."""
    returned = [mail.returned.message_id] if mail.returned and mail.returned.message_id else []
    lines = (line for line in mail.text.splitlines()[:2000] if line.lower().lstrip("> ").startswith("message-id:"))
    written = [name for line in lines for name in names_in(line)]
    return list(dict.fromkeys([*returned, *written, *mail.answers]))


# --- what came ---------------------------------------------------------------------------------------------------


def key(mail: Mail, covered: masking.Typed) -> str:
    """A mail's own name: the same for each copy, on whichever ways and however often it came; another's for no other.

    A Message-ID alone will not do, for senders reuse them: what the mail says counts too, its ways here do not. It
    counts with its numbers masked (`covered`): so the mail keeps its name when they are, and the name gives none away.
    """
    text, html, headers = covered
    subject = next(iter(headers.get("subject", ())), "")
    said = [mail.message_id, mail.first("from"), mail.first("date"), subject, text.strip(), html.strip()]
    if not text and not html and not mail.files:
        said += [json.dumps(sorted({**mail.headers, **headers}.items()))]
    said += [hashlib.sha256(each.content).hexdigest() for each in mail.files]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def written(mail: Mail, from_html: Callable[[str], str]) -> quoting.Folded:
    """What somebody wrote, and what is folded away; of a mail without plain text, what its HTML says."""
    return quoting.fold(mail.text if mail.text.strip() else from_html(mail.html))


def is_flood(earlier: int, most: int) -> bool:
    """Whether one sender sends more than a mailbox takes: `earlier` mails within the window, 0 for no limit."""
    return bool(most) and earlier >= most


@dataclass(frozen=True)
class Read:
    """A mail that has been read: its own name, what its addresses name, and why it is never a case, if so."""

    mail: Mail
    key: str
    named: Mapping[str, int]
    why: str
    has_numbers: bool  # of any kind

    @property
    def may_be_first(self) -> bool:
        """Whether it is a customer's, and answers nothing."""
        return not (self.why or self.named or self.mail.answers)


def opened(
    raw: bytes,
    recipient: str,
    envelope_sender: str,
    ours: Collection[str],
    secret: str,
    names_a_failure: Callable[[bytes], bool],
) -> Read:
    """Read a mail as it came. Raises kit.mime.Unreadable."""
    mail = read(raw)
    headers = mail.addresses("to", "cc", "delivered-to", "x-original-to", "envelope-to")
    sent_to = [*(each.address for each in headers), recipient]
    named = dict(found for each in sent_to if (found := named_by(each, secret)))
    why = never_a_case(mail, envelope_sender, ours.__contains__, partial(names_a_failure, raw))
    covered = masking.covered(mail)
    return Read(mail, key(mail, covered), named, why, covered != masking.typed(mail))
