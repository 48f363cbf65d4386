"""A response is for the thread that waits for it; the thread of the association takes none."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pynetdicom import AE, Association
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from pneumonia.pacs.response_queue import KEEP_RESPONSES, ResponseQueue

from .storage_peers import scripted_scp, wait_until


@contextmanager
def associated() -> Iterator[Association]:
    entity = AE("MODALITY")
    entity.dimse_timeout = 60
    entity.add_requested_context(Verification)
    with scripted_scp(sop_classes=[Verification]) as peer:
        association = entity.associate("127.0.0.1", peer.port, ae_title="PACS", evt_handlers=KEEP_RESPONSES)
        assert association.is_established
        yield association
        association.release()


def response() -> C_ECHO:
    message = C_ECHO()
    message.MessageIDBeingRespondedTo, message.Status = 1, 0x0000
    message.AffectedSOPClassUID = Verification
    return message


def test_the_thread_of_the_association_leaves_a_response() -> None:
    with associated() as association:
        expected = (1, response())
        association.dimse.msg_queue.put(expected)
        time.sleep(0.2)  # the thread looks for a message each millisecond
        assert association.dimse.msg_queue.get(timeout=60) == expected
        assert association.send_c_echo().Status == 0x0000


def test_an_abort_ends_the_wait_for_a_response() -> None:
    with associated() as association:
        association.abort()
        wait_until(lambda: not association.is_established)
        with pytest.raises(RuntimeError):
            association.send_c_echo()


def test_a_call_that_does_not_block_gets_nothing_and_one_that_does_gets_the_message_or_ends() -> None:
    messages = ResponseQueue()
    messages.put("response")
    with pytest.raises(queue.Empty):
        messages.get(block=False)
    assert messages.get(timeout=60) == "response"
    with pytest.raises(queue.Empty):
        messages.get(timeout=0.01)
