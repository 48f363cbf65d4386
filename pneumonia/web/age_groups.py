"""The page's selector of the patient's age group. The model depends on the group only, so no number is asked for."""

from __future__ import annotations

from dataclasses import replace

from ..imaging import Source
from ..inference.predictor import Predictor
from ..inference.reading import Reading
from ..messages import message

FROM_FILE = "file"
LABEL = message("Patient's age")
CHOICES = (
    (message("From the file"), FROM_FILE),
    (message("Child, 1-5 years"), "children"),
    (message("Adult, 18 or over"), "adults"),
    (message("Other age"), "other"),
)
"""(text, value) of each choice; a value other than `FROM_FILE` and "other" is the name of a population."""

_AGES = {FROM_FILE: None, "children": 3.0, "adults": 45.0, "other": 10.0}
"""Choice -> an age in years of the group, which stands for all ages of the group; None: that of the DICOM header."""


def read(predictor: Predictor, source: Source, group: str) -> Reading:
    """Read a film of a patient of an age group; `Reading.age` is None if the group was chosen, as no age is known."""
    reading = predictor.read(source, _AGES[group])
    return reading if group == FROM_FILE else replace(reading, age=None)
