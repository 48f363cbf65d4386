"""The lane: bound, order of each caller, and turns between callers."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pneumonia.errors import Busy
from pneumonia.web.lane import BATCHES, Caller, Lane, Ticket, film_lane
from tests.support.event_loop import run_coroutine

PAGE, REST = Caller.PAGE, Caller.REST


def order_of(lane: Lane, tickets: list[Ticket]) -> list[int]:
    """Numbers of the tickets in the order of their turns; each turn ends at once."""
    order: list[int] = []
    while running := [number for number, ticket in enumerate(tickets) if ticket.is_running]:
        order += running
        for number in running:
            lane.leave(tickets[number])
    return order


def test_callers_take_turns_and_each_is_in_order() -> None:
    lane = Lane(width=1)
    first = lane.join(REST)
    tickets = [lane.join(caller) for caller in (REST, REST, REST, REST, PAGE, PAGE)]
    assert [lane.count_ahead(ticket) for ticket in tickets] == [1, 3, 4, 5, 0, 2]
    lane.leave(first)
    assert order_of(lane, tickets) == [4, 0, 5, 1, 2, 3]


def test_one_caller_alone_may_use_the_whole_width() -> None:
    lane = Lane(width=3)
    tickets = [lane.join(REST) for _ in range(5)]
    assert [ticket.is_running for ticket in tickets] == [True, True, True, False, False]
    late = lane.join(PAGE)
    lane.leave(tickets[0])
    assert late.is_running and not tickets[3].is_running


def test_a_full_line_is_full_for_its_caller_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_QUEUE_SIZE", "2")
    lane = Lane()
    for _ in range(BATCHES + 2):
        lane.join(REST)
    with pytest.raises(Busy, match="Allowed: 2"):
        lane.join(REST)
    with pytest.raises(Busy):
        lane.check(REST)
    lane.check(PAGE)
    assert not lane.join(PAGE).is_running


def test_the_line_of_the_page_is_bounded_by_the_queue_of_gradio_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_QUEUE_SIZE", "1")
    monkeypatch.setenv("PNEUMONIA_THREADS", "1")
    lane = film_lane(lambda limit: Busy(f"{limit} films"))
    for _ in range(4):
        lane.join(PAGE)
    lane.join(REST)
    with pytest.raises(Busy, match="1 films"):
        lane.join(REST)


def test_the_time_to_come_back_grows_with_the_line() -> None:
    lane = Lane(width=1)
    assert lane.retry_after_s(REST) == 1
    lane._mean_s = 2.0
    for _ in range(11):
        lane.join(REST)
    assert lane.retry_after_s(REST) == 20
    lane.join(PAGE)
    assert lane.retry_after_s(REST) == 40
    lane._mean_s = 1_000.0
    assert lane.retry_after_s(REST) == 60


def test_a_turn_on_the_event_loop_starts_when_a_thread_ends_its_own() -> None:
    lane, ready = Lane(width=1), threading.Event()
    release = threading.Event()

    def occupy() -> None:
        with lane.turn(lane.join()):
            ready.set()
            release.wait(60)

    async def wait() -> list[bool]:
        ticket = lane.join(REST)
        waiting = asyncio.ensure_future(lane.started(ticket))
        await asyncio.sleep(0)
        before = ticket.is_running
        release.set()
        await asyncio.wait_for(waiting, 60)
        after = ticket.is_running
        lane.leave(ticket)
        await lane.started(lane.join(REST))
        return [before, after]

    thread = threading.Thread(target=occupy)
    thread.start()
    assert ready.wait(60)
    assert run_coroutine(wait()) == [False, True]
    thread.join()


def test_a_task_that_stops_waiting_leaves_its_place() -> None:
    lane = Lane(width=1)
    first, second, third = lane.join(REST), lane.join(REST), lane.join(REST)
    lane.leave(second)
    lane.leave(second)
    lane.leave(first)
    assert third.is_running and not second.is_running
    lane.leave(third)
    assert lane.join(PAGE).is_running
