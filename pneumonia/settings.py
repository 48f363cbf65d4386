"""Settings from environment variables; no other module reads the environment.

Documentation and `--help` are generated from the `Setting` objects.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from .errors import UsageError
from .languages import ENGLISH, LANGUAGES, find
from .messages import message


@dataclass(frozen=True)
class Setting:
    """One environment variable, with its default and its description in documentation and `--help`.

    `parse` converts the text of the variable and raises `ValueError` if it is invalid. Error messages never quote the
    value of a variable that is marked as `secret`.
    """

    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = str
    secret: bool = False

    def raw(self) -> str:
        """The unparsed text of the variable, or the default if it is unset or empty."""
        return os.environ.get(self.name, "").strip() or self.default

    def read(self) -> Any:
        """The current value, parsed; raises `UsageError` if the text of the variable is invalid."""
        text = self.raw()
        try:
            return self.parse(text)
        except ValueError:
            received = "a secret, not shown" if self.secret else repr(text)
            # `from None`, because the text of the inner error may quote the secret.
            raise UsageError(
                message(
                    "Invalid {name}. {help} Received: {received}.", name=self.name, help=self.help, received=received
                )
            ) from None


def _parse_positive(text: str) -> int:
    value = int(text.replace(",", "").replace("_", ""))
    if value <= 0:
        raise ValueError("not an integer above 0")
    return value


def _parse_flag(text: str) -> bool:
    if text.lower() not in {"0", "1", "true", "false", "yes", "no"}:
        raise ValueError("not a boolean")
    return text.lower() in {"1", "true", "yes"}


def _parse_threads(text: str) -> int:
    if text != "cores":
        return _parse_positive(text)
    # CPU affinity instead of the number of cores: a container is often restricted to some cores of its host.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parse_logins(text: str) -> list[tuple[str, str]]:
    pairs = [pair.strip().partition(":") for pair in text.split(",") if pair.strip()]
    if any(not user or not password for user, _, password in pairs):
        raise ValueError("not user:password pairs separated by commas")
    return [(user, password) for user, _, password in pairs]


MIN_TOKEN_LENGTH = 16
"""Minimum number of characters of an API token: nobody guesses 16 random ones."""

_TOKEN = re.compile(rf"(?:([\w.-]{{1,40}}):)?([A-Za-z0-9._~+/=-]{{{MIN_TOKEN_LENGTH},}})", re.ASCII)
"""Optional name, and a token as it may stand in a header (RFC 6750, `b64token`)."""


def _parse_tokens(text: str) -> list[tuple[str, str]]:
    """(name, token) pairs; a token without a name is called by its number."""
    matches = [_TOKEN.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
    tokens = [
        (match[1] or f"token-{number}", match[2]) for number, match in enumerate(matches, start=1) if match is not None
    ]
    if len(tokens) < len(matches) or len({token for _, token in tokens}) < len(tokens):
        raise ValueError("not different tokens separated by commas")
    return tokens


def _parse_language(text: str) -> str:
    """The code of a language; for an empty text that of the terminal, or English."""
    if text:
        if text not in LANGUAGES:
            raise ValueError("not the code of a language")
        return text
    terminal = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return find(terminal) or ENGLISH


def _parse_proxies(text: str) -> list[str]:
    """Addresses and networks, e.g. `10.0.0.2, 172.30.78.0/24`."""
    return [str(ip_network(part.strip())).removesuffix("/32").removesuffix("/128") for part in text.split(",") if part]


MAX_UID_ROOT_CHARACTERS = 43
"""A UID has at most 64 characters (DICOM PS3.5, section 9.1), and 20 digits after the root make a collision
improbable."""

_UID_ROOT = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def parse_uid_root(text: str) -> str:
    """The UID root of an organisation; "" is none. Raises `ValueError` if it is invalid or too long."""
    if text and (len(text) > MAX_UID_ROOT_CHARACTERS or not _UID_ROOT.fullmatch(text)):
        raise ValueError("not a UID root")
    return text


MODEL = Setting(
    "PNEUMONIA_MODEL",
    "",
    "Models: a folder, or owner/name[@revision] on the Hub; several separated by commas, one for each population; "
    "empty: the embedded models.",
)
SITE = Setting(
    "PNEUMONIA_SITE",
    "",
    "File with operating points and recalibration of this site, as validate --save-site writes it; empty: none.",
)
HUB_TIMEOUT_S = Setting(
    "PNEUMONIA_HUB_TIMEOUT_S",
    "10",
    "Seconds without progress after which a download is aborted; 300 s in total.",
    _parse_positive,
)
AUTH = Setting(
    "PNEUMONIA_AUTH",
    "",
    "Logins for page and API: user:password pairs separated by commas; empty: no login.",
    _parse_logins,
    secret=True,
)
TOKENS = Setting(
    "PNEUMONIA_TOKENS",
    "",
    "Tokens for the REST API: token or name:token, separated by commas, each of 16 or more letters, digits and "
    "._~+/=-; empty: none.",
    _parse_tokens,
    secret=True,
)
TRUSTED_PROXIES = Setting(
    "PNEUMONIA_TRUSTED_PROXIES",
    "",
    "Addresses or networks of reverse proxies, separated by commas: their X-Forwarded-For is the client's address; "
    "empty: none.",
    _parse_proxies,
)
MAX_FILE_MB = Setting(
    "PNEUMONIA_MAX_FILE_MB", "50", "Maximum size of a film in MB; larger films are refused.", _parse_positive
)
MAX_UPLOAD_MB = Setting(
    "PNEUMONIA_MAX_UPLOAD_MB", "1000", "Maximum size of an upload in MB; larger uploads are refused.", _parse_positive
)
MAX_PIXELS = Setting(
    "PNEUMONIA_MAX_PIXELS",
    "80000000",
    "Maximum number of pixels of an image; checked before decoding.",
    _parse_positive,
)
THREADS = Setting(
    "PNEUMONIA_THREADS",
    "cores",
    "Number of inference threads; cores: one for each core that the process may use.",
    _parse_threads,
)
QUEUE_SIZE = Setting(
    "PNEUMONIA_QUEUE_SIZE",
    "64",
    "Maximum number of waiting requests; further requests get the error busy.",
    _parse_positive,
)
RETENTION_S = Setting(
    "PNEUMONIA_RETENTION_S",
    "600",
    "Seconds from the end of a job to the deletion of its uploads and results.",
    _parse_positive,
)
SHARE = Setting(
    "PNEUMONIA_SHARE",
    "0",
    "1: create a public Gradio link; without PNEUMONIA_AUTH anyone with the link can use it.",
    _parse_flag,
)
MCP = Setting(
    "PNEUMONIA_MCP", "0", "1: offer the endpoints as tools of an MCP server; needs requirements-mcp.txt.", _parse_flag
)
UID_ROOT = Setting(
    "PNEUMONIA_UID_ROOT",
    "",
    "UID root of the organisation for result objects, such as 1.2.826.0.1.3680043.10.999, at most 43 characters; "
    "empty: UIDs below 2.25.",
    parse_uid_root,
)
MONITOR = Setting(
    "PNEUMONIA_MONITOR",
    "",
    "Folder for the daily counts of answers that docs/monitoring.md describes; empty: nothing is counted.",
)
MONITOR_DAYS = Setting(
    "PNEUMONIA_MONITOR_DAYS",
    "400",
    "Days after which the counts of a day are deleted.",
    _parse_positive,
)
LANGUAGE = Setting(
    "PNEUMONIA_LANGUAGE",
    "",
    "Language of messages on the command line: en, id, es, fr, pt, zh or vi; empty: that of the terminal (LC_ALL, "
    "LC_MESSAGES, LANG).",
    _parse_language,
)
DATA = Setting("PNEUMONIA_DATA", "", "Folder with real films; used by tests and benchmarks only.")

SETTINGS = (
    MODEL,
    SITE,
    HUB_TIMEOUT_S,
    AUTH,
    TOKENS,
    TRUSTED_PROXIES,
    MAX_FILE_MB,
    MAX_UPLOAD_MB,
    MAX_PIXELS,
    THREADS,
    QUEUE_SIZE,
    RETENTION_S,
    SHARE,
    MCP,
    UID_ROOT,
    MONITOR,
    MONITOR_DAYS,
    LANGUAGE,
    DATA,
)


def read_secret(name: str) -> str:
    """The value of an environment variable that a configuration file names, so that the file has no secret.

    Empty if `name` is; raises `UsageError` if the variable is not set or empty.
    """
    value = os.environ.get(name, "").strip() if name else ""
    if name and not value:
        raise UsageError(message("The environment variable {name} must have a value. Received: nothing.", name=name))
    return value


def as_markdown() -> str:
    """The settings as a Markdown table, for docs/api.md."""
    rows = [f"| `{setting.name}` | {setting.default or 'empty'} | {setting.help} |" for setting in SETTINGS]
    return "\n".join(["| name | default | description |", "|---|---|---|", *rows])
