"""Content items of a structured report, found by their concept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom import Dataset

from pneumonia.reporting.dicom.codes import code


def items(parent: Dataset, key: str) -> list[Dataset]:
    """All items below `parent` with the concept of a key of `codes.json`, in order."""
    return [item for item in _descendants(parent) if _is(item, key)]


def value(item: Dataset) -> Any:
    """The value of a text, number or code item."""
    if item.ValueType == "NUM":
        return float(item.MeasuredValueSequence[0].NumericValue)
    if item.ValueType == "CODE":
        concept = item.ConceptCodeSequence[0]
        return str(concept.get("CodeValue") or concept.LongCodeValue)
    return item.TextValue


def values(parent: Dataset, key: str) -> list[Any]:
    """The values of all items with a concept."""
    return [value(item) for item in items(parent, key)]


def zone_of(item: Dataset) -> str:
    """The lung zone of a measurement or region, such as "right_lower"."""
    (site,) = [
        child for child in item.ContentSequence if child.ConceptNameCodeSequence[0].CodeMeaning == "Finding Site"
    ]
    sides = {code(side).value: side for side in ("right", "left")}
    heights = {code(height).value: height for height in ("upper", "middle", "lower")}
    (side,) = values(site, "laterality")
    return f"{sides[side]}_{heights[value(site)]}"


def groups(report: Dataset) -> list[Dataset]:
    """The measurement groups (PS3.16, TID 1500)."""
    return [
        item
        for item in _descendants(report)
        if item.ValueType == "CONTAINER" and item.ConceptNameCodeSequence[0].CodeMeaning == "Measurement Group"
    ]


def _descendants(parent: Dataset) -> Iterator[Dataset]:
    for item in parent.get("ContentSequence", []):
        yield item
        yield from _descendants(item)


def _is(item: Dataset, key: str) -> bool:
    name, concept = item.get("ConceptNameCodeSequence"), code(key)
    if not name:
        return False
    return (name[0].CodingSchemeDesignator, name[0].get("CodeValue", name[0].get("LongCodeValue"))) == (
        concept.scheme_designator,
        concept.value,
    )
