"""The name of a file in a `Content-Disposition` header, of a request (RFC 6266) or of a part of a form (RFC 7578)."""

from __future__ import annotations

import re
from urllib.parse import unquote

from python_multipart.multipart import parse_options_header

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')
_EXTENDED_VALUE = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE | re.DOTALL)
"""Of RFC 5987, section 3.2.1: charset, language, percent-encoded bytes. The charsets are those that it names."""


def file_name(header: str) -> str | None:
    """The name in UTF-8 (`filename*`) if the header has one, else the plain name; None without a name.

    `header` is the value of the header, its bytes decoded as Latin-1. RFC 7578 forbids `filename*` in forms, and
    python-multipart ignores it, but some clients, such as those of .NET, have the readable name only there. A plain
    name that is not UTF-8 is taken as Windows-1252, so that two names stay different.
    """
    return _extended_name(header) or _text(parse_options_header(header)[1].get(b"filename", b"")) or None


def _extended_name(header: str) -> str | None:
    for name, value in _PARAMETER.findall(header):
        if name.lower() == "filename*" and (match := _EXTENDED_VALUE.fullmatch(value.strip().strip('"'))):
            return unquote(match[2], encoding=match[1], errors="replace")
    return None


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
