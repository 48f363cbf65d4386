"""The codes of the structured report as highdicom's concepts, each made once.

highdicom converts a plain code at every use, and computes the hash of a concept hundreds of times for a report,
together a fifth of the time for its content tree. Reports share the concepts, so nothing may change one.
"""

from __future__ import annotations

from functools import cache

from highdicom.sr import CodedConcept

from .codes import code


class _SharedConcept(CodedConcept):
    """A concept that does not change; its hash is computed once."""

    _known_hash: int | None = None

    def __hash__(self) -> int:
        if self._known_hash is None:
            self._known_hash = super().__hash__()
        return self._known_hash


@cache
def concept(key: str) -> CodedConcept:
    """The concept with a key of `codes.json`; `KeyError` if there is none."""
    return _SharedConcept.from_code(code(key))
