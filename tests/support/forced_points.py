"""Operating points that give every film the same label, which no bundle may have; for tests of what a label shows."""

from __future__ import annotations

from pneumonia.inference.decision import OperatingPoint


def forced_point(low: float, threshold: float, high: float) -> OperatingPoint:
    """An operating point with limits that `OperatingPoint` refuses, such as one at which every film is Pneumonia."""
    point = object.__new__(OperatingPoint)
    for name, value in {"low": low, "threshold": threshold, "high": high}.items():
        object.__setattr__(point, name, value)
    return point


ALWAYS_PNEUMONIA = forced_point(0.0, 0.0, 0.0)
ALWAYS_NORMAL = forced_point(1.0, 1.0, 1.0)
