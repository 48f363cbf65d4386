"""Load and soak: no wrong response, none lost, no growth. `pytest -m soak` runs the long versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import load, soak
from benchmarks.service_process import running_service
from pneumonia import Predictor
from tests.support.systems import linux

from ..support.wait import wait_for

GROWTH_MB = 20

pytestmark = linux


def run_load(predictor: Predictor, folder: Path, clients: int, seconds: float, queue: int) -> load.Tally:
    films = load.cases(predictor)
    with running_service(folder, PNEUMONIA_QUEUE_SIZE=str(queue), PNEUMONIA_RETENTION_S="20") as service:
        tally = wait_for(load.run(service, films, clients, seconds))
        threads = service.threads()
    assert (tally.wrong, tally.lost, tally.unclear) == ([], [], 0)
    assert tally.correct
    assert threads < 200
    return tally


@pytest.mark.slow
def test_sixteen_callers_get_their_own_predictions(predictor: Predictor, tmp_path: Path) -> None:
    run_load(predictor, tmp_path, 16, 6, 64)


@pytest.mark.slow
def test_more_callers_than_the_queue_get_busy_and_lose_no_response(predictor: Predictor, tmp_path: Path) -> None:
    assert run_load(predictor, tmp_path, 32, 5, 8).busy


@pytest.mark.soak
@pytest.mark.parametrize("queue", [64, 16])
def test_sixty_four_callers_for_five_minutes(predictor: Predictor, tmp_path: Path, queue: int) -> None:
    tally = run_load(predictor, tmp_path, 64, 300, queue)
    assert tally.growth_mb < GROWTH_MB, "memory is flat after the warm-up"
    assert bool(tally.busy) == (queue < 64)


@pytest.mark.slow
def test_a_thousand_predictions_leave_no_resources_behind() -> None:
    assert_flat(soak.in_process(1_000))


@pytest.mark.slow
def test_three_hundred_requests_leave_no_resources_behind(tmp_path: Path) -> None:
    assert_flat(soak.over_http(300, tmp_path))


@pytest.mark.soak
def test_twenty_thousand_predictions_leave_no_resources_behind() -> None:
    assert_flat(soak.in_process(20_000))


@pytest.mark.soak
def test_three_thousand_requests_leave_no_resources_behind(tmp_path: Path) -> None:
    assert_flat(soak.over_http(3_000, tmp_path))


def assert_flat(growth: soak.Growth) -> None:
    assert growth.growth_mb < GROWTH_MB
    assert (growth.files, growth.threads, growth.open_files) == (0, 0, 0)
