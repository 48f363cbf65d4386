"""Reads a table of a TOML file into a frozen dataclass; unknown keys and wrong values are errors that name the key.

Each field of such a dataclass is made by `key`, whose metadata hold the check and the description of the key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, TypeVar

from ..errors import UsageError
from ..messages import message

T = TypeVar("T")

_CHECK, _HELP = "check", "help"


class InvalidValue(ValueError):
    """A value that a check refuses; the text says what is allowed."""


Check = Callable[[Any], Any]
"""Converts the value of a key; raises `InvalidValue`."""


def key(check: Check, help: str, default: Any = dataclasses.MISSING) -> Any:
    """A field that is read from the key of its name; without a default the key is required."""
    return dataclasses.field(default=default, metadata={_CHECK: check, _HELP: help})


def read_table(kind: type[T], table: Mapping[str, Any], name: str) -> T:
    """The dataclass `kind` from a table; `name` is the table's in error texts. Raises `UsageError`."""
    fields = {field.name: field for field in dataclasses.fields(kind) if _CHECK in field.metadata}  # type: ignore[arg-type]
    for unknown in sorted(set(table) - set(fields)):
        raise UsageError(
            message(
                "Unknown key in {table} of the configuration. Allowed: {allowed}. Received: {received}.",
                table=name,
                allowed=", ".join(fields),
                received=unknown,
            )
        )
    values = {}
    for field in fields.values():
        if field.name in table:
            values[field.name] = checked(field.metadata[_CHECK], table[field.name], f"{name} {field.name}")
        elif field.default is dataclasses.MISSING:
            raise invalid(f"{name} {field.name}", "a value, since the key is required", "nothing")
    return kind(**values)


def describe_keys(kind: type[Any]) -> list[tuple[str, Any, str]]:
    """(key, default, description) of each key of a table; the default is `dataclasses.MISSING` if it is required."""
    fields = [field for field in dataclasses.fields(kind) if _CHECK in field.metadata]
    return [(field.name, field.default, field.metadata[_HELP]) for field in fields]


def invalid(key_name: str, allowed: str, received: object) -> UsageError:
    """The error for an invalid value of the configuration."""
    return UsageError(
        message(
            "Invalid value of {key} in the configuration. Allowed: {allowed}. Received: {received}.",
            key=key_name,
            allowed=allowed,
            received=received,
        )
    )


def checked(check: Check, value: Any, name: str) -> Any:
    """The value as `check` returns it; raises `UsageError` that names the key `name`."""
    try:
        return check(value)
    except InvalidValue as error:
        raise invalid(name, str(error), repr(value)) from None


def text(value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise InvalidValue("a text")
    return value.strip()


def boolean(value: Any) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        raise InvalidValue("true or false")
    return value


def integer(low: int, high: int) -> Check:
    """An integer from `low` to `high`."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidValue(f"an integer from {low:,} to {high:,}")
        return value

    return check


def decimal(low: float, high: float) -> Check:
    """A number from `low` to `high`."""

    def check(value: Any) -> float:
        # A comparison with NaN is false, so NaN is refused.
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise InvalidValue(f"a number from {low:,g} to {high:,g}")
        return float(value)

    return check


def one_of(*allowed: str) -> Check:
    """One of the texts `allowed`."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise InvalidValue(", ".join(allowed))
        return str(value)

    return check


def list_of(item: Check, *, least: int = 0) -> Check:
    """A list of at least `least` values, without duplicates; read as a tuple."""

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < least:
            raise InvalidValue("a list in square brackets" + (f" of at least {least} value" if least else ""))
        try:
            return tuple(dict.fromkeys(item(element) for element in value))
        except InvalidValue as error:
            raise InvalidValue(f"a list in square brackets, each value {error}") from None

    return check


def ae_title(value: Any) -> str:
    """An application entity title (DICOM PS3.5, 6.2, value representation AE)."""
    title = value.strip(" ") if isinstance(value, str) else ""
    if not title or len(title) > 16 or "\\" in title or not all(" " <= letter <= "~" for letter in title):
        raise InvalidValue("an AE title of 1 to 16 ASCII characters without backslash")
    return title


def network(value: Any) -> str:
    """An address or a network such as `10.0.0.7` or `10.0.0.0/24`; IPv6 as well."""
    try:
        return str(ip_network(value if isinstance(value, str) else "", strict=False))
    except ValueError:
        raise InvalidValue("an IP address or network such as 10.0.0.7 or 10.0.0.0/24") from None
