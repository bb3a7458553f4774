"""Every setting of an installation: environment variables named WORKFLOOR_*, read here and nowhere else.

Importing this module starts nothing and writes nothing.
"""

import hashlib
import os
import secrets
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from workfloor.kit.database import binding, postgres
from workfloor.kit.web import addresses, logs

PACKAGE = Path(__file__).resolve().parent


def _default_data() -> Path:
    checkout = PACKAGE.parent
    return checkout / "var" if (checkout / "pyproject.toml").exists() else Path.home() / ".local/share/workfloor"


def _default_sign_in() -> Path:
    """A file of the user's own, one for each installation that they work with."""
    which = hashlib.sha256(f"{WORKFLOOR_DATA} {WORKFLOOR_DATABASE_URL}".encode()).hexdigest()[:12]
    return Path.home() / f".config/workfloor/sign-in-{which}"


def _flag(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def _list(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def _path(name: str) -> Path | None:
    return Path(os.environ[name]).expanduser() if os.environ.get(name) else None


# --- what an installation chooses -------------------------------------------------------------------------------

WORKFLOOR_DATA = Path(os.environ.get("WORKFLOOR_DATA") or _default_data()).expanduser().resolve()
# Where the embedded database keeps its log, and `workfloor admin backup` its files; without it there is no backup.
WORKFLOOR_BACKUP = _path("WORKFLOOR_BACKUP")
WORKFLOOR_BIND = os.environ.get("WORKFLOOR_BIND") or "127.0.0.1:8000"
WORKFLOOR_DATABASE_URL = os.environ.get("WORKFLOOR_DATABASE_URL") or None
# How many web processes `workfloor up` runs on that port; as many as the machine has processors where it is not said.
WORKFLOOR_WEB_PROCESSES = int(os.environ.get("WORKFLOOR_WEB_PROCESSES") or 0)
# The token that commands act by, as `workfloor sign-in --print` gives it; else what a sign-in keeps in this file.
WORKFLOOR_TOKEN = os.environ.get("WORKFLOOR_TOKEN") or ""
WORKFLOOR_SIGN_IN = _path("WORKFLOOR_SIGN_IN") or _default_sign_in()
# The address that people's browsers use when a proxy stands in front, e.g. https://floor.example.com
WORKFLOOR_URL = (os.environ.get("WORKFLOOR_URL") or "").rstrip("/")
WORKFLOOR_ALLOWED_HOSTS = _list("WORKFLOOR_ALLOWED_HOSTS")
# Whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses and networks of proxies; from anybody else they
# are ignored.
PROXIES_ON_THIS_MACHINE = ["127.0.0.1", "::1"]
WORKFLOOR_TRUSTED_PROXIES = _list("WORKFLOOR_TRUSTED_PROXIES") or PROXIES_ON_THIS_MACHINE
if _strange := addresses.no_networks(WORKFLOOR_TRUSTED_PROXIES):
    raise ValueError(f"WORKFLOOR_TRUSTED_PROXIES has {_strange[0]!r}; write addresses or networks, like 10.0.0.0/24.")
WORKFLOOR_DEBUG = _flag("WORKFLOOR_DEBUG")
# How the log is written: "text", lines for people, or "json", an object a line.
WORKFLOOR_LOG = os.environ.get("WORKFLOOR_LOG") or "text"
if WORKFLOOR_LOG not in logs.FORMATS:
    raise ValueError(f"WORKFLOOR_LOG is {WORKFLOOR_LOG!r}; it is one of {', '.join(logs.FORMATS)}.")
# Who shows this token reads /metrics from anywhere; without one, only whoever asks from this machine itself.
WORKFLOOR_METRICS_TOKEN = os.environ.get("WORKFLOOR_METRICS_TOKEN") or ""
# After how many minutes without a page of ours whoever takes work and has none in hand is signed out of it; 0: never.
WORKFLOOR_BROWSER_GONE_MINUTES = int(os.environ.get("WORKFLOOR_BROWSER_GONE_MINUTES") or 5)
# The largest body that the API takes, in bytes.
WORKFLOOR_MAX_BODY = int(os.environ.get("WORKFLOOR_MAX_BODY") or 1_000_000)

# --- files --------------------------------------------------------------------------------------------------------

# Where mail as it came and attachments are kept: a folder, or s3://bucket/prefix in a store that speaks S3.
WORKFLOOR_FILES = os.environ.get("WORKFLOOR_FILES") or str(WORKFLOOR_DATA / "files")
if not WORKFLOOR_FILES.startswith("s3://"):
    WORKFLOOR_FILES = str(Path(WORKFLOOR_FILES).expanduser().resolve())
# Of such a store: its address where it is not Amazon's, its region, and what it lets us in by. Without the last two
# it is asked with what the machine itself is allowed.
WORKFLOOR_FILES_ENDPOINT = os.environ.get("WORKFLOOR_FILES_ENDPOINT") or ""
WORKFLOOR_FILES_REGION = os.environ.get("WORKFLOOR_FILES_REGION") or ""
WORKFLOOR_FILES_ACCESS_KEY = os.environ.get("WORKFLOOR_FILES_ACCESS_KEY") or ""
WORKFLOOR_FILES_SECRET_KEY = os.environ.get("WORKFLOOR_FILES_SECRET_KEY") or ""
# The key by which the clients' keys are wrapped, 32 bytes in base64; else one that is made in the data folder.
WORKFLOOR_FILES_KEY = os.environ.get("WORKFLOOR_FILES_KEY") or ""

# --- mail ---------------------------------------------------------------------------------------------------------

# Where mail servers may deliver, e.g. 0.0.0.0:25; without it nothing listens.
WORKFLOOR_MAIL_BIND = os.environ.get("WORKFLOOR_MAIL_BIND") or ""
# The name that the listener goes by, and the files of its certificate and key: with them it offers STARTTLS.
WORKFLOOR_MAIL_HOST = os.environ.get("WORKFLOOR_MAIL_HOST") or "workfloor.localdomain"
WORKFLOOR_MAIL_CERTIFICATE = _path("WORKFLOOR_MAIL_CERTIFICATE")
WORKFLOOR_MAIL_CERTIFICATE_KEY = _path("WORKFLOOR_MAIL_CERTIFICATE_KEY")
# The largest mail that is taken, in bytes.
WORKFLOOR_MAIL_LARGEST = int(os.environ.get("WORKFLOOR_MAIL_LARGEST") or 30_000_000)
# The server that all mail goes out through: smtp://, smtp+starttls:// or smtps://, with user:password@ where it asks.
WORKFLOOR_SMTP_URL = os.environ.get("WORKFLOOR_SMTP_URL") or ""
# Whom the installation's own mail is from, such as invitations: "floor@example.com" or "Our floor <floor@example.com>".
WORKFLOOR_MAIL_FROM_NAME, WORKFLOOR_MAIL_FROM = parseaddr(os.environ.get("WORKFLOOR_MAIL_FROM") or "")
if os.environ.get("WORKFLOOR_MAIL_FROM") and "@" not in WORKFLOOR_MAIL_FROM:
    raise ValueError(
        "WORKFLOOR_MAIL_FROM is no mail address; write floor@example.com or Our floor <floor@example.com>."
    )
# For how long a reply can be taken back, in seconds.
WORKFLOOR_MAIL_UNDO_SECONDS = int(os.environ.get("WORKFLOOR_MAIL_UNDO_SECONDS") or 10)
# A folder with DOMAIN.pem for each domain whose replies are signed, and the selector of these keys in the DNS.
WORKFLOOR_DKIM_KEYS = _path("WORKFLOOR_DKIM_KEYS")
WORKFLOOR_DKIM_SELECTOR = os.environ.get("WORKFLOOR_DKIM_SELECTOR") or "workfloor"


# --- webhooks -----------------------------------------------------------------------------------------------------

# Addresses and networks of our own to which events may be sent, without encryption too; all else is the internet's.
WORKFLOOR_WEBHOOKS_INSIDE = _list("WORKFLOOR_WEBHOOKS_INSIDE")
if _strange := addresses.no_networks(WORKFLOOR_WEBHOOKS_INSIDE):
    raise ValueError(f"WORKFLOOR_WEBHOOKS_INSIDE has {_strange[0]!r}; write addresses or networks, like 10.0.0.0/24.")


def _secret_key() -> str:
    """The installation's key: from the environment, else from the data folder, else one that ends with the process."""
    stored = WORKFLOOR_DATA / "secret-key"
    if key := os.environ.get("WORKFLOOR_SECRET_KEY"):
        return key
    return stored.read_text().strip() if stored.exists() else secrets.token_urlsafe(48)


# --- Django -----------------------------------------------------------------------------------------------------

SECRET_KEY = _secret_key()
DEBUG = WORKFLOOR_DEBUG
_host = WORKFLOOR_BIND.rpartition(":")[0].strip("[]")
ALLOWED_HOSTS = [*WORKFLOOR_ALLOWED_HOSTS, "127.0.0.1", "localhost", "[::1]", _host]
if WORKFLOOR_URL:
    ALLOWED_HOSTS.append(urlsplit(WORKFLOOR_URL).hostname or "")
    CSRF_TRUSTED_ORIGINS = [WORKFLOOR_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = WORKFLOOR_URL.startswith("https://")
# Two instances on one machine share cookies by host, not by port: name them apart.
_port = WORKFLOOR_BIND.rpartition(":")[2]
SESSION_ENGINE = "workfloor.kit.web.sessions"
SESSION_COOKIE_NAME = f"workfloor_session_{_port}"
CSRF_COOKIE_NAME = f"workfloor_csrf_{_port}"

INSTALLED_APPS = [
    "workfloor.ui",  # first: its pages take the place of the libraries' own
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
    "workfloor.core.event_log",
    "workfloor.core.clients",
    "workfloor.core.retention",
    "workfloor.core.files",
    "workfloor.core.outgoing",
    "workfloor.core.people",
    "workfloor.core.looks",
    "workfloor.core.periods",
    "workfloor.core.contracts",
    "workfloor.core.claims",
    "workfloor.core.work",
    "workfloor.core.measures",
    "workfloor.core.conversations",
    "workfloor.core.search",
    "workfloor.core.team_messages",
    "workfloor.ops.channels.chat",
    "workfloor.ops.channels.email",
    "workfloor.ops.channels.playbooks",
    "workfloor.ops.routing",
    "workfloor.ops.billing",
    "workfloor.ops.simulation",
    "workfloor.ops.presales",
    "workfloor.ops.relationship",
    "workfloor.ops.webhooks",
    "workfloor.ops.escalation",
    "workfloor.desks.agent",
    "workfloor.desks.leader",
    "workfloor.desks.console",
]

MIDDLEWARE = [
    "workfloor.kit.web.limits.sensible",
    "workfloor.kit.web.packing.Packing",
    "django.middleware.security.SecurityMiddleware",
    "workfloor.ui.views.content_policy",
    "workfloor.ui.views.speaking",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "workfloor.kit.web.limits.refusing",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "workfloor.core.people.middleware.entering",
]

# Pages whose figures must agree: what somebody writes meanwhile is in all of them or in none (kit.moments).
OF_ONE_MOMENT = {
    "billing:statement",
    "billing:statement-paper",
    "billing:items",
    "billing:facts",
    "api-1:statement",
    "relationship:review",
    "relationship:paper",
}

# Where the API's page is. As an application ninja would be loaded by each command, which takes a tenth of a second.
_NINJA = Path(str(find_spec("ninja").origin)).parent  # type: ignore[union-attr]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_NINJA / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django.templatetags.static", "django.templatetags.i18n"],
        },
    }
]

ROOT_URLCONF = "workfloor.urls"
ASGI_APPLICATION = "workfloor.asgi.application"
DATABASES = {"default": postgres.database(WORKFLOOR_DATABASE_URL, WORKFLOOR_DATA)}
binding.whole_numbers_as_bigint()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
# What commands, workers and everything stored speak. Pages speak the reader's language (ui.views.speaking).
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Spanish"), ("hi", "Hindi")]
STATIC_URL = "static/"
STATICFILES_DIRS = [_NINJA / "static"]
DATA_UPLOAD_MAX_MEMORY_SIZE = WORKFLOOR_MAX_BODY

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "workfloor.core.people.gateway.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
# Nothing goes out of a web process: the installation's own mail is core/outgoing's.
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

# The worker looks for tasks when it begins; all other processes only ask for them by name.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = ["workfloor.kit.database.jobs"]
PROCRASTINATE_ON_APP_READY = "workfloor.kit.database.job_connector.connect"

# Wrong passwords are counted for an account and a network together, over all processes: nobody locks anybody out from
# elsewhere, and colleagues behind one address do not count for one another. What one address may try is bounded too,
# and what all strangers together may try of one account. Counted apart are devices from which somebody has signed in to
# the account before, and accounts with a second factor, of which a password alone opens nothing.
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    "login_failed": "100/5m/ip,6/5m/key",
    "login_failed_anywhere": "100/1h/key",
    "login_failed_on_device": "10/5m/key",
    "login_failed_before_factor": "100/5m/ip",
    "code_failed_by_command": "6/5m/key",
    "reset_asked": "60/1h/ip,5/1h/key",
}
# The cookie by which a device is known from which somebody has signed in before.
WORKFLOOR_DEVICE_COOKIE = f"workfloor_device_{_port}"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "people_counted",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "workfloor.kit.web.logs.Lines", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "workfloor.kit.web.logs.Json"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": WORKFLOOR_LOG}},
    "root": {"handlers": ["stderr"], "level": "INFO" if not DEBUG else "DEBUG"},
    "loggers": {
        "procrastinate": {"level": "WARNING"},
        "django.db": {"level": "INFO"},
        "flufl.bounce": {"level": "CRITICAL"},  # which tells each form that it tries, and each over which it stumbles
        "mail": {"level": "WARNING"},  # aiosmtpd, which tells each line of each dialogue
    },
}
