"""Names of files that are allowed on Linux, macOS and Windows."""

from __future__ import annotations

import re

_FORBIDDEN_CHARACTERS = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?= *(?:\.|$))", re.IGNORECASE)
"""What Windows does not allow in a name, see https://learn.microsoft.com/windows/win32/fileio/naming-a-file. It would
write `film.png:1` to a hidden stream of the file `film.png`, and `NUL.png` to nowhere."""


def portable_name(name: str) -> str:
    """`name` as the name of a file on any system.

    `_` replaces each character that Windows does not allow, and each dot or space at the end; it is inserted after the
    name of a device: `a:b` becomes `a_b`, and `NUL.png` becomes `NUL_.png`.
    """
    name = _FORBIDDEN_CHARACTERS.sub("_", name)
    device = _DEVICE.match(name)
    if device is not None:
        name = f"{device[1]}_{name[device.end() :]}"
    bare = name.rstrip(". ")
    return bare + "_" * (len(name) - len(bare))
