"""Lines of the service's log: one word for each value, whatever a peer calls itself."""

from __future__ import annotations

import logging

import pytest

from pneumonia.pacs.events import AssociationEvent, Events, FilmEvent, InstanceEvent, printable_title, printable_uid


@pytest.mark.parametrize(
    ("title", "word"),
    [("CR_ROOM_1", "CR_ROOM_1"), ("CR ROOM 1", "CR_ROOM_1"), ('A="b\n', "A__b_"), ("", "-"), ("Ä" * 20, "_" * 16)],
)
def test_a_title_is_one_word(title: str, word: str) -> None:
    assert printable_title(title) == word


@pytest.mark.parametrize(
    ("uid", "word"), [("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1"), ("1.2\nfilm id=1", "invalid"), ("", "-")]
)
def test_a_uid_is_one_word_and_no_other_text(uid: str, word: str) -> None:
    assert printable_uid(uid) == word


def test_each_event_is_one_line_of_pairs(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    with caplog.at_level(logging.INFO):
        events.association(AssociationEvent(12, "CR 1", "released", 3, 31_200_412, 0.812))
        events.connection("pdu_timeout")
        events.instance(InstanceEvent(None, "CR1", "skipped:other_class", "1.2", "1.3", 10, 0.0412))
        events.film(FilmEvent(7, "CR1", "Unknown:inconclusive", "", 0.18, 0.14))
    assert [record.getMessage() for record in caplog.records] == [
        "association id=12 calling=CR_1 outcome=released objects=3 bytes=31200412 ms=812",
        "connection outcome=pdu_timeout",
        "instance id=- calling=CR1 outcome=skipped:other_class class=1.2 syntax=1.3 bytes=10 ms=41",
        "film id=7 calling=CR1 outcome=Unknown:inconclusive population=- ms=180 work_ms=140",
    ]
