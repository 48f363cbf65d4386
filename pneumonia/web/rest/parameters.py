"""Parameters of a call: from the query of its address, and from the fields of its form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Scope

from ...errors import UsageError
from ...inference.decision import DEFAULT_POINT, check_age, check_prevalence
from ...inference.predictor import Predictor
from ...messages import message

FILM_PARAMETERS = ("operating_point", "prevalence", "age")
"""Parameters of every call with films."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SHOWN = 40
"""Characters of a caller's text in an error."""


@dataclass(frozen=True)
class FilmOptions:
    """How films are answered: as the arguments of `Predictor.predict`."""

    operating_point: str = DEFAULT_POINT
    prevalence: float | None = None
    age: float | None = None


def read_parameters(
    scope: Scope, fields: Iterable[tuple[str, str]], allowed: Iterable[str] = FILM_PARAMETERS
) -> dict[str, str]:
    """The parameters by name; one without a value counts as not given.

    Raises `UsageError` for a name that is not allowed, since an answer without the age that the caller meant to state
    could be that of the wrong model, and for a name that is given twice.
    """
    try:
        query = parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=100)
    except ValueError:
        raise UsageError(message("Too many parameters.")) from None
    parameters: dict[str, str] = {}
    for name, value in [*query, *fields]:
        if name not in allowed:
            raise UsageError(
                message(
                    "Unknown parameter. Allowed: {allowed}. Received: {name!r}.",
                    allowed=", ".join(allowed),
                    name=name[:_SHOWN],
                )
            )
        if name in parameters:
            raise UsageError(message("The parameter {name} is given twice. Allowed: once.", name=name))
        if value.strip():
            parameters[name] = value.strip()
    return parameters


def film_options(parameters: Mapping[str, str], predictor: Predictor) -> FilmOptions:
    """The options of a call. Raises `UsageError` for an unknown operating point, an invalid prevalence or age."""
    prevalence, age = (_number(parameters.get(name)) for name in ("prevalence", "age"))
    check_prevalence(prevalence)
    check_age(age)
    point = parameters.get("operating_point", DEFAULT_POINT)[:_SHOWN]
    predictor.check_options(point, prevalence, age)
    return FilmOptions(point, prevalence, age)


def _number(text: str | None) -> Any:
    """The number that a text is, or the start of the text, which the check of the value then refuses."""
    if text is None:
        return None
    return float(text) if _NUMBER.fullmatch(text) else text[:_SHOWN]
