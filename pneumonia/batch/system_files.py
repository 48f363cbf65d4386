"""Files that an operating system adds to folders and ZIPs, and that are never films."""

from __future__ import annotations

from collections.abc import Iterable

SYSTEM_NAMES = frozenset(
    {
        "__macosx",  # resource forks, in ZIPs made on macOS
        "thumbs.db",  # previews and settings of folders on Windows
        "ehthumbs.db",
        "desktop.ini",
        "$recycle.bin",  # folders on each disk of Windows
        "system volume information",
        "@eadir",  # previews on network storage of Synology: small copies of the films
    }
)
"""Names of files and folders in lower case."""


def is_hidden(parts: Iterable[str]) -> bool:
    """True if a part of a path is hidden (it begins with a dot), or has one of the `SYSTEM_NAMES`."""
    return any(part.lower() in SYSTEM_NAMES or (part.startswith(".") and part not in {".", ".."}) for part in parts)
