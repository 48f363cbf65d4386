"""Options of the result objects: UID root, language, and the equipment that they name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ... import languages, settings
from ...errors import UsageError
from ...languages import ENGLISH
from ...messages import message

COMPREHENSIVE, COMPREHENSIVE_3D = SR_CLASSES = ("comprehensive", "comprehensive_3d")
"""SOP classes of the structured report: Comprehensive SR (PS3.3, A.35.3) and Comprehensive 3D SR (A.35.13). Both have
the same content here; the profile IHE AI Results names the second."""

MAX_SERIES_NUMBER = 2**31 - 100
"""SeriesNumber is an integer string of 32 bits with sign; the kinds of objects have the numbers after the base."""

_MAX_TEXT_CHARACTERS = {"manufacturer": 64, "model_name": 64, "institution_name": 64, "station_name": 16}
"""Maximum lengths of the value representations LO and SH (PS3.5, table 6.2-1)."""

_NOT_IN_TEXT = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True)
class ResultOptions:
    """Options of all result objects of one film.

    `uid_root` is the UID root of the organisation, such as "1.2.826.0.1.3680043.10.999"; empty: UIDs under "2.25."
    (PS3.5, section B.2). `language` is the code of the language in which texts are written, see `languages`.
    `manufacturer`, `model_name`, `institution_name` and `station_name` describe the equipment that made the objects;
    empty ones are left out. `series_number_base` is the SeriesNumber of the structured report; the other kinds have the
    numbers after it. `sr_class` is the SOP class of the structured report, one of `SR_CLASSES`. Raises `UsageError`
    for an invalid value.
    """

    uid_root: str = ""
    language: str = ENGLISH
    manufacturer: str = "pneumonia (open source)"
    model_name: str = "Chest-film assistant"
    institution_name: str = ""
    station_name: str = ""
    series_number_base: int = 9500
    sr_class: str = COMPREHENSIVE

    def __post_init__(self) -> None:
        _check_root(self.uid_root)
        for name, allowed in (("language", languages.LANGUAGES), ("sr_class", SR_CLASSES)):
            if getattr(self, name) not in allowed:
                raise UsageError(
                    message(
                        "Invalid value of {name}. Allowed: {allowed}. Received: {value!r}.",
                        name=name,
                        allowed=", ".join(allowed),
                        value=getattr(self, name),
                    )
                )
        for name, maximum in _MAX_TEXT_CHARACTERS.items():
            _check_text(name, getattr(self, name), maximum)
        number = self.series_number_base
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_SERIES_NUMBER:
            raise UsageError(
                message(
                    "Invalid value of {name}. Allowed: {allowed}. Received: {value!r}.",
                    name="series_number_base",
                    allowed=f"1..{MAX_SERIES_NUMBER}",
                    value=number,
                )
            )


def _check_root(root: str) -> None:
    try:
        settings.parse_uid_root(root)
    except ValueError:
        raise UsageError(
            message(
                "Invalid UID root. Allowed: numbers separated by dots, without leading zeros, the first one 0, 1 or 2, "
                "at most {maximum} characters. Received: {value!r}.",
                maximum=settings.MAX_UID_ROOT_CHARACTERS,
                value=root,
            )
        ) from None


def _check_text(name: str, text: str, maximum: int) -> None:
    if not isinstance(text, str) or len(text) > maximum or _NOT_IN_TEXT.search(text):
        raise UsageError(
            message(
                "Invalid value of {name}. Allowed: at most {maximum} characters, without backslash and control "
                "characters. Received: {value!r}.",
                name=name,
                maximum=maximum,
                value=text,
            )
        )
