"""A store of FHIR resources that executes transactions as a server does: all or nothing, with conditional creates.

R4, 3.1.0.11.2 "Transaction processing rules" and 3.1.0.8.1 "Conditional create". It has what the bundles need: POST
with `ifNoneExist` by identifier, and references between the entries.
"""

from __future__ import annotations

import copy
from typing import Any

Json = dict[str, Any]


class FhirStore:
    """Resources by their local reference, such as "Observation/3"."""

    def __init__(self) -> None:
        self.resources: dict[str, Json] = {}

    def count(self, kind: str) -> int:
        return sum(resource["resourceType"] == kind for resource in self.resources.values())

    def transaction(self, bundle: Json) -> list[str]:
        """Execute a bundle; returns the status of each entry: 201 created, 200 already there.

        Raises `ValueError` for what a server refuses with 400 or 412; then nothing is stored.
        """
        if bundle["type"] != "transaction":
            raise ValueError("400: no transaction")
        existing = {entry["fullUrl"]: self._find(entry) for entry in bundle["entry"]}
        created = dict(self.resources)
        names = {url: found or self._name(bundle, url, created) for url, found in existing.items()}
        for entry in bundle["entry"]:
            if existing[entry["fullUrl"]] is None:
                resource = _with_references(copy.deepcopy(entry["resource"]), names)
                created[names[entry["fullUrl"]]] = resource
        self.resources = created
        return ["201" if existing[entry["fullUrl"]] is None else "200" for entry in bundle["entry"]]

    def _name(self, bundle: Json, url: str, created: dict[str, Json]) -> str:
        number = len(created) + [entry["fullUrl"] for entry in bundle["entry"]].index(url)
        return next(f"{entry['request']['url']}/{number}" for entry in bundle["entry"] if entry["fullUrl"] == url)

    def _find(self, entry: Json) -> str | None:
        """The one resource that fulfils the condition of an entry; None if there is none."""
        kind = entry["request"]["url"]
        name, _, token = entry["request"]["ifNoneExist"].partition("=")
        system, _, value = token.partition("|")
        if name != "identifier" or not value:
            raise ValueError(f"400: the condition {entry['request']['ifNoneExist']!r} is not understood")
        matches = [
            reference
            for reference, resource in self.resources.items()
            if resource["resourceType"] == kind
            and any((item.get("system"), item["value"]) == (system, value) for item in resource["identifier"])
        ]
        if len(matches) > 1:
            raise ValueError("412: several resources fulfil the condition")
        return matches[0] if matches else None


def _with_references(value: Any, names: dict[str, str]) -> Any:
    """The resource with references to entries replaced by those to the stored resources."""
    if isinstance(value, list):
        return [_with_references(part, names) for part in value]
    if not isinstance(value, dict):
        return value
    replaced = {name: _with_references(part, names) for name, part in value.items()}
    if isinstance(replaced.get("reference"), str):
        if replaced["reference"] not in names:
            raise ValueError(f"400: {replaced['reference']} is not resolved")
        replaced["reference"] = names[replaced["reference"]]
    return replaced
