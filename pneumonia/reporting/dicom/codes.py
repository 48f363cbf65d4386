"""The codes of result objects, from `codes.json`: key -> [scheme, value, meaning, source of the code]."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pydicom.sr.coding import Code

PRIVATE_SCHEME = "99PNEUMONIA"
"""Coding scheme of what no standard has a code for (PS3.16, chapter 8)."""


@cache
def code(key: str) -> Code:
    """The code with a key of `codes.json`; `KeyError` if there is none."""
    scheme, value, meaning, _ = _file()["concepts"][key]
    return Code(value, scheme, meaning)


def code_item(concept: Code) -> Dataset:
    """An item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = concept.value, concept.scheme_designator
    item.CodeMeaning = concept.meaning
    return item


@cache
def error_code(name: str, meaning: str) -> Code:
    """The code of an error; its value is that of docs/api.md."""
    return Code(name, PRIVATE_SCHEME, meaning)


def private_scheme() -> dict[str, str]:
    """Designator, name and UID of the private coding scheme, for the Coding Scheme Identification Sequence."""
    scheme: dict[str, str] = _file()["scheme"]
    return scheme


@cache
def _file() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name("codes.json").read_text(encoding="utf-8"))
    return content
