"""Mutated recordings of associations against the PACS service. docs/reliability.md has the figures of 10,000."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

from benchmarks import pacs_hostile  # noqa: E402
from benchmarks.pacs_mutations import ABORT, ENDS, FAULTS, Script, mutate  # noqa: E402
from benchmarks.pacs_recording import Recording, Step  # noqa: E402

from ..support.dicom_programs import find_program  # noqa: E402
from ..support.systems import linux  # noqa: E402
from ..support.upper_layer import RELEASE, associate, echo, fragments, store_command  # noqa: E402

RECORDINGS: list[Recording] = [
    [Step(associate(), True), Step(echo(), True), Step(RELEASE, True)],
    [
        Step(associate(), True),
        Step(store_command("1.2.3"), False),
        *(Step(pdu, False) for pdu in fragments(bytes(40_000), 3)),
        Step(RELEASE, True),
    ],
]
MAX_GROWTH_MB = 60
"""Of the memory of the service, from before the first mutated association to after the last one."""


def test_a_seed_gives_the_same_mutation_and_each_fault_occurs() -> None:
    scripts = [mutate(seed, RECORDINGS) for seed in range(150)]
    assert scripts == [mutate(seed, RECORDINGS) for seed in range(150)]
    faults = Counter(fault for script in scripts for fault in script.faults)
    assert set(faults) == set(FAULTS)
    assert {script.end for script in scripts} == set(ENDS)


def test_an_abort_comes_at_every_step() -> None:
    """Also within a PDU, and before the first one."""
    scripts = [FAULTS["A-ABORT"](random.Random(seed), Script(RECORDINGS[1]), ()) for seed in range(200)]
    assert all(script.steps[-1].pdu == ABORT for script in scripts)
    assert {len(script.steps) - 1 for script in scripts} == set(range(len(RECORDINGS[1]) + 1))
    sizes = {len(pdu) for pdu in (step.pdu for step in RECORDINGS[1])} | {len(ABORT)}
    assert {len(step.pdu) for script in scripts for step in script.steps} - sizes, "none ends within a PDU"


def check(folder: Path, count: int) -> None:
    find_program("storescu")
    outcome = pacs_hostile.run(folder, count)
    assert outcome.is_met, outcome
    assert outcome.counts["association"]["released"] and outcome.counts["association"]["aborted"]
    assert outcome.counts["connection"]["protocol_error"]
    (_, memory, threads, files), *_, (_, memory_at_end, threads_at_end, files_at_end) = outcome.sizes
    assert memory_at_end - memory < MAX_GROWTH_MB
    assert threads_at_end <= threads + 2 and files_at_end <= files + 4


@pytest.mark.slow
@linux
def test_150_mutated_associations_delay_no_other(tmp_path: Path) -> None:
    check(tmp_path, 150)


@pytest.mark.soak
@linux
def test_10_000_mutated_associations_delay_no_other(tmp_path: Path) -> None:
    check(tmp_path, 10_000)
