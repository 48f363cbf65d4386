"""The only place that reads the environment. A row is (name, default, help); docs and `--help` derive from the rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import UsageError


@dataclass(frozen=True)
class Setting:
    """One environment variable: how it is called, what stands where it is not set, how its text is read."""

    name: str
    default: str
    help: str
    parse: Callable[[str], Any] = str
    secret: bool = False

    def text(self) -> str:
        """The text in force: the variable's, or the default."""
        return os.environ.get(self.name, "").strip() or self.default

    def read(self) -> Any:
        """The value in force; raises `UsageError` where the text is not legal."""
        text = self.text()
        try:
            return self.parse(text)
        except ValueError:
            received = "a secret that is not shown" if self.secret else repr(text)
            # `from None`: the text of the inner error may quote the secret.
            raise UsageError(f"{self.name} is not legal. {self.help} Received: {received}.") from None


def _parse_positive(text: str) -> int:
    number = int(text.replace(",", "").replace("_", ""))
    if number <= 0:
        raise ValueError("it must be a whole number above 0")
    return number


def _parse_flag(text: str) -> bool:
    if text.lower() not in {"0", "1", "true", "false", "yes", "no"}:
        raise ValueError("it must be 0 or 1")
    return text.lower() in {"1", "true", "yes"}


def _parse_threads(text: str) -> int:
    if text != "cores":
        return _parse_positive(text)
    # Affinity, not the machine's count: a container is often given fewer cores than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _parse_logins(text: str) -> list[tuple[str, str]]:
    pairs = [pair.strip().partition(":") for pair in text.split(",") if pair.strip()]
    if any(not user or not password for user, _, password in pairs):
        raise ValueError("it must be user:password pairs separated by commas")
    return [(user, password) for user, _, password in pairs]


MODEL = Setting("PNEUMONIA_MODEL", "", "Empty: embedded model; a folder; or owner/name[@revision] on the Hub.")
HUB_TIMEOUT_S = Setting(
    "PNEUMONIA_HUB_TIMEOUT_S",
    "10",
    "Seconds without progress before a download is given up; 300 in all.",
    _parse_positive,
)
AUTH = Setting(
    "PNEUMONIA_AUTH",
    "",
    "user:password pairs separated by commas: page and API ask for login.",
    _parse_logins,
    secret=True,
)
MAX_FILE_MB = Setting("PNEUMONIA_MAX_FILE_MB", "50", "A larger film is refused.", _parse_positive)
MAX_UPLOAD_MB = Setting("PNEUMONIA_MAX_UPLOAD_MB", "1000", "A larger upload is refused.", _parse_positive)
MAX_PIXELS = Setting(
    "PNEUMONIA_MAX_PIXELS", "80000000", "Larger pictures are refused before decoding.", _parse_positive
)
THREADS = Setting("PNEUMONIA_THREADS", "cores", "Inference threads.", _parse_threads)
QUEUE_SIZE = Setting("PNEUMONIA_QUEUE_SIZE", "64", "Waiting requests before busy.", _parse_positive)
RETENTION_S = Setting(
    "PNEUMONIA_RETENTION_S",
    "600",
    "Uploads and results are deleted so many seconds after their job's end.",
    _parse_positive,
)
SHARE = Setting(
    "PNEUMONIA_SHARE",
    "0",
    "1: a shareable Gradio link; without PNEUMONIA_AUTH anyone with the link can use it.",
    _parse_flag,
)
MCP = Setting(
    "PNEUMONIA_MCP", "0", "1: the endpoints are also tools of an MCP server; needs requirements-mcp.txt.", _parse_flag
)
DATA = Setting("PNEUMONIA_DATA", "", "Tests and benchmarks only: a folder with real films.")

SETTINGS = (
    MODEL,
    HUB_TIMEOUT_S,
    AUTH,
    MAX_FILE_MB,
    MAX_UPLOAD_MB,
    MAX_PIXELS,
    THREADS,
    QUEUE_SIZE,
    RETENTION_S,
    SHARE,
    MCP,
    DATA,
)


def as_markdown() -> str:
    """The table of settings that the docs show."""
    rows = [f"| `{setting.name}` | {setting.default or 'empty'} | {setting.help} |" for setting in SETTINGS]
    return "\n".join(["| name | default | what |", "|---|---|---|", *rows])
