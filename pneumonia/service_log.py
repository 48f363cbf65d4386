"""Log of a service: lines of this package in full, those of libraries without their text."""

from __future__ import annotations

import logging


class LogFormatter(logging.Formatter):
    """Formats the records of this package in full, and those of libraries without their text.

    A library's text may quote a path or a file name, so only its logger, module and line number are logged.
    """

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        is_own_record = record.name.split(".")[0] in {"pneumonia", "root"}
        error_type = record.exc_info[0] if record.exc_info else None
        text = record.getMessage() if is_own_record else f"library message at {record.module}:{record.lineno}"
        suffix = f" error={error_type.__name__}" if error_type else ""
        return f"{self.formatTime(record)} {record.levelname} {record.name} {text}{suffix}"


def configure() -> None:
    """Set up logging of this process to stderr: this package from level INFO, libraries from level WARNING."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogFormatter())
    logging.basicConfig(handlers=[handler])
    logging.getLogger("pneumonia").setLevel(logging.INFO)
