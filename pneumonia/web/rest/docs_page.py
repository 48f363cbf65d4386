"""`GET /api/v1/docs`: the OpenAPI description as a page that needs no script and no other server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..rendering import render

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
HEADERS = {"Content-Security-Policy": _POLICY}

_LIMITS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


class Key(NamedTuple):
    """One row of the table of an object: its key with its path, type and limits, and description."""

    path: str
    kind: str
    description: str


def render_docs(description: dict[str, Any]) -> str:
    """The page for a description by `openapi.describe`."""
    schemas = description["components"]["schemas"]
    operations = [
        {"path": path, "method": method.upper(), **operation}
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return render(
        "rest/docs.html",
        info=description["info"],
        operations=operations,
        schemas={name: list(_keys(schema)) for name, schema in schemas.items()},
        descriptions={name: schema.get("description", "") for name, schema in schemas.items()},
        kind_of=kind_of,
        as_text=_as_text,
    )


def kind_of(schema: dict[str, Any]) -> str:
    """The type of a value in words, with its limits."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    types = schema.get("type", "any value")
    names = types if isinstance(types, list) else [types]
    choices = [json.dumps(value) if value is None else str(value) for value in schema.get("enum", [])]
    text = " or ".join(names) if not choices else ", ".join(choices)
    limits = [f"{word} {schema[name]}" for name, word in _LIMITS.items() if name in schema]
    default = f"default {schema['default']}" if "default" in schema else ""
    return ", ".join(part for part in (text, " ".join(limits), default) if part)


def _keys(schema: dict[str, Any], prefix: str = "") -> Iterator[Key]:
    """The keys of an object and of the objects in it."""
    for name, value in schema.get("properties", {}).items():
        yield Key(f"{prefix}{name}", kind_of(value), value.get("description", ""))
        for inner in (value, *value.get("anyOf", [])):
            yield from _keys(inner, f"{prefix}{name}.")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
