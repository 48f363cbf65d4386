"""Unique identifiers of the result objects. The same film, model and options give the same identifiers.

Therefore an object that is made again, for example after a crash, replaces the first one in an archive instead of
standing beside it.
"""

from __future__ import annotations

import hashlib
import json
import uuid

UUID_ROOT = "2.25"
"""Root of the identifiers that are derived from UUIDs (PS3.5, section B.2; ITU-T X.667)."""

MAX_CHARACTERS = 64
"""Maximum length of a UID (PS3.5, section 9.1)."""

IMPLEMENTATION_CLASS_UID = "2.25.47904013647462068964619871945222616910"
"""Identifies this implementation in file meta headers and associations (PS3.7, annex D.3.3.2): a fixed random UUID."""

IMPLEMENTATION_VERSION_NAME = "PNEUMONIA_0_1"
"""At most 16 characters (PS3.7, annex D.3.3.2)."""

_NAMESPACE = uuid.UUID(int=int(IMPLEMENTATION_CLASS_UID.removeprefix(f"{UUID_ROOT}.")))


def result_uid(root: str, *parts: str | float | None) -> str:
    """The UID of the object that `parts` describe, under `root`, or under "2.25." if `root` is empty.

    Under "2.25." it is the name-based UUID (version 5, RFC 9562) of the parts. Under another root it is a number from
    their SHA-256, with as many digits as fit, at most 39.
    """
    name = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    if not root:
        return f"{UUID_ROOT}.{uuid.uuid5(_NAMESPACE, name).int}"
    digits = min(MAX_CHARACTERS - len(root) - 1, 39)
    return f"{root}.{int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**digits}"
