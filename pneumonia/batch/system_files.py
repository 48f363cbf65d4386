"""Files that an operating system adds to folders and ZIPs, and that are never films."""

from __future__ import annotations

from collections.abc import Iterable

SYSTEM_NAMES = frozenset(
    {
        "__macosx",  # resource forks, in ZIPs made on macOS
        "thumbs.db",  # previews and settings of folders on Windows
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",  # the icon of a folder on macOS
        "$recycle.bin",  # folders on each disk of Windows
        "system volume information",
        "lost+found",  # on each disk of Linux
        "@eadir",  # on network storage of Synology: small copies of the films, deleted films, earlier versions
        "#recycle",
        "#snapshot",
    }
)
"""Names of files and folders in lower case."""

_DOWNLOAD_MARK = ":zone.identifier"
"""End of the name of the file in which Windows stores that `film.png` was downloaded, if copied to Linux."""


def is_system_name(name: str) -> bool:
    """True for the name of a file or folder that an operating system added."""
    return name.lower() in SYSTEM_NAMES or name.lower().endswith(_DOWNLOAD_MARK)


def is_hidden(parts: Iterable[str]) -> bool:
    """True if a part of a path is hidden (it begins with a dot), or is the name of a system file."""
    return any(is_system_name(part) or (part.startswith(".") and part not in {".", ".."}) for part in parts)
