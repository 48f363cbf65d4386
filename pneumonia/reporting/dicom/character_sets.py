"""Text of the source object in any character set -> `str` (PS3.3, section C.12.1.1.2; PS3.5, section 6.1).

The result objects are written in UTF-8 (ISO_IR 192). Files often declare another character set than that in which they
are written, so a text that is not valid in the declared one is tried in UTF-8, then in Windows-1252.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydicom.charset import (
    CODES_TO_ENCODINGS,
    ESC,
    STAND_ALONE_ENCODINGS,
    convert_encodings,
    decode_bytes,
    python_encoding,
)

_TERM = re.compile(r"(?:ISO)?[ _-]?(2022)?[ _-]?IR[ _-]?(\d+)")
_UTF_8 = {"UTF8", "UTF-8", "UNICODE", "ISO10646"}
_LATIN_1 = {"iso8859", "latin_1"}
_LATIN = _LATIN_1 | {"iso8859_2", "iso8859_3", "iso8859_4", "iso8859_9", "iso8859_15"}
"""Encodings in which a text that is valid UTF-8 would be unreadable: pairs of an accented letter and a sign."""

_DELIMITERS = {0x0A, 0x0C, 0x0D, 0x09, 0x3D, 0x5C, 0x5E}
"""Characters that reset code extensions: control characters, and `=`, `\\` and `^` in names (PS3.5, 6.1.2.5.3)."""

_ESCAPE = re.compile(rb"\x1b[\x20-\x2f]*[\x30-\x7e]?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")


def encodings_of(declared: str) -> tuple[str, ...]:
    """Python's names of the encodings that SpecificCharacterSet declares; unknown terms become the default."""
    terms = [_defined_term(term) for term in declared.split("\\")]
    if terms[0] in STAND_ALONE_ENCODINGS:
        return tuple(convert_encodings(terms[:1]))
    return tuple(convert_encodings([terms[0], *(term for term in terms[1:] if term not in STAND_ALONE_ENCODINGS)]))


def _defined_term(term: str) -> str:
    """The term as the standard writes it: `ISO IR 100` and `iso_ir100` are `ISO_IR 100`; "" if it is unknown."""
    term = term.strip(" \0").upper()
    if term.replace(" ", "") in _UTF_8:
        return "ISO_IR 192"
    match = _TERM.fullmatch(term)
    if match is not None:
        term = f"ISO 2022 IR {match[2]}" if match[1] else f"ISO_IR {match[2]}"
    return term if term in python_encoding else ""


def decode(value: bytes, encodings: Sequence[str]) -> str:
    """The text without control characters other than line breaks and tabs; trailing blanks are removed."""
    value = _ESCAPE.sub(lambda escape: escape[0] if escape[0] in CODES_TO_ENCODINGS else b"", value)
    text = _decode_with_escapes(value, encodings) if ESC in value else _decode(value, encodings[0])
    return _CONTROLS.sub("", text).rstrip(" ")


def _decode(value: bytes, declared: str) -> str:
    candidates = ("utf_8", declared) if declared in _LATIN else (declared, "utf_8")
    for encoding in candidates:
        try:
            text = value.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if encoding in _LATIN_1 and _CONTROLS.search(text.rstrip("\0")):
            break  # Windows-1252 has quotation marks and dashes where Latin-1 has control characters
        return text
    return value.decode("cp1252", "ignore")


def _decode_with_escapes(value: bytes, encodings: Sequence[str]) -> str:
    """Decode code extensions (PS3.5, section 6.1.2.5), also those that the file does not declare."""
    return decode_bytes(value, [*encodings, *CODES_TO_ENCODINGS.values()], _DELIMITERS).replace("\ufffd", "")
