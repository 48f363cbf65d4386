"""Validators of other projects on a sample of the corpus; `python -m benchmarks.dicom_objects` checks all of it."""

from __future__ import annotations

import pytest

from benchmarks.dicom_objects import DICOM_KINDS, READERS, check_corpus
from tests.support.dicom_programs import find_program

EVERY = 16
"""About 30 films of all groups, 120 objects."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:::pydicom")
def test_no_object_of_the_sample_has_an_error() -> None:
    for program in ("dciodvfy", *(row[0] for row in READERS.values())):
        find_program(program)
    checks = list(check_corpus(EVERY))
    found = [f"{check.group}: {check.name}: {check.kind}: {check.errors}" for check in checks if check.errors]
    assert found == []
    assert {check.kind for check in checks} == set(DICOM_KINDS)
    assert len({check.group for check in checks}) == 11
