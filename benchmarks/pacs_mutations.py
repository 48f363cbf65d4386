"""Mutations of recorded associations: faults that a broken, a slow or a hostile peer of the PACS service has.

`mutate` is a function of its seed, so that a fault which was found can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .pacs_recording import HEADER_LENGTH, Recording, Step

ABORT = bytes.fromhex("07 00 00000004 00 00 00 00")
"""A-ABORT of the service user (PS3.8, section 9.3.8)."""

INTERESTING_BYTES = 400
"""Most positions are within this many bytes of a PDU: headers, commands and the first elements, less often pixels."""

LONGEST_DRIP = 40
"""Bytes that are sent one at a time."""

ENDS = ("wait", "close", "reset")
"""How a peer ends: it waits for the service to close, closes the connection, or resets it."""


@dataclass(frozen=True)
class Script:
    """What a peer sends. `drip` is the range of bytes, counted over all steps, that are sent one at a time."""

    steps: list[Step]
    end: str = "wait"
    drip: range = range(0)
    faults: tuple[str, ...] = ()


Fault = Callable[[random.Random, Script, Sequence[Recording]], Script]


def mutate(seed: int, recordings: Sequence[Recording]) -> Script:
    """One of the recordings with one to three faults."""
    generator = random.Random(seed)
    script = Script(list(generator.choice(recordings)))
    for name in generator.choices(list(FAULTS), k=generator.choice((1, 1, 2, 3))):
        if script.steps:
            script = FAULTS[name](generator, script, recordings)
            script = replace(script, faults=(*script.faults, name))
    return script


def _change_bytes(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    def change(content: bytearray) -> None:
        for _ in range(generator.randint(1, 8)):
            content[_position(generator, content)] = generator.choice(
                (0, 1, 0x7F, 0x80, 0xFF, generator.randrange(256))
            )

    return _edit(generator, script, change)


def _insert_bytes(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    def insert(content: bytearray) -> None:
        position = _position(generator, content)
        content[position:position] = generator.randbytes(generator.randint(1, 30))

    return _edit(generator, script, insert)


def _remove_bytes(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    def remove(content: bytearray) -> None:
        position = _position(generator, content)
        del content[position : position + generator.randint(1, 30)]

    return _edit(generator, script, remove)


def _change_length(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    """A wrong length of a PDU, of its first item, or of any two or four bytes that may be one."""

    def change(content: bytearray) -> None:
        width = generator.choice((2, 4))
        first = HEADER_LENGTH if width == 4 else HEADER_LENGTH + 70
        position = generator.choice((2, first, _position(generator, content)))
        true = int.from_bytes(content[position : position + width], "big")
        wrong = generator.choice(
            (0, 1, true - 1, true + 1, 2 * true, 2 ** (8 * width) - 1, generator.randrange(1 << 16))
        )
        content[position : position + width] = (wrong % 2 ** (8 * width)).to_bytes(width, "big")

    return _edit(generator, script, change)


def _truncate(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    """The peer ends within a PDU."""
    number = generator.randrange(len(script.steps))
    step = script.steps[number]
    cut = Step(step.pdu[: _position(generator, step.pdu)], is_answered=True)
    return replace(script, steps=[*script.steps[:number], cut], end=generator.choice(ENDS))


def _abort(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    """The peer sends an A-ABORT after any step, also within a PDU."""
    number = generator.randrange(len(script.steps) + 1)
    kept = script.steps[:number]
    if kept and generator.random() < 0.3:
        kept[-1] = replace(kept[-1], pdu=kept[-1].pdu[: _position(generator, kept[-1].pdu)], is_answered=False)
    return replace(script, steps=[*kept, Step(ABORT, is_answered=True)])


def _end(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    """The peer closes or resets the connection after any step."""
    return replace(
        script, steps=script.steps[: generator.randrange(len(script.steps) + 1)], end=generator.choice(ENDS[1:])
    )


def _splice(generator: random.Random, script: Script, recordings: Sequence[Recording]) -> Script:
    """The beginning of one association, and the end of another one."""
    other = generator.choice(recordings)
    start, rest = generator.randrange(len(script.steps) + 1), generator.randrange(len(other))
    return replace(script, steps=[*script.steps[:start], *other[rest:]])


def _splice_bytes(generator: random.Random, script: Script, recordings: Sequence[Recording]) -> Script:
    """A part of one PDU is replaced by a part of another one."""
    donor = generator.choice(generator.choice(recordings)).pdu

    def replace_part(content: bytearray) -> None:
        start, length = _position(generator, content), generator.randint(1, 200)
        source = generator.randrange(len(donor))
        content[start : start + length] = donor[source : source + length]

    return _edit(generator, script, replace_part)


def _repeat(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    number = generator.randrange(len(script.steps))
    times = generator.choice((2, 2, 3, 20))
    return replace(script, steps=script.steps[:number] + times * [script.steps[number]] + script.steps[number + 1 :])


def _remove(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    number = generator.randrange(len(script.steps))
    return replace(script, steps=script.steps[:number] + script.steps[number + 1 :])


def _exchange(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    steps = list(script.steps)
    first, second = generator.randrange(len(steps)), generator.randrange(len(steps))
    steps[first], steps[second] = steps[second], steps[first]
    return replace(script, steps=steps)


def _do_not_wait(_: random.Random, script: Script, __: Sequence[Recording]) -> Script:
    """The peer sends everything at once, without waiting for answers."""
    return replace(script, steps=[replace(step, is_answered=False) for step in script.steps])


def _drip(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    """A part is sent one byte at a time."""
    size = sum(len(step.pdu) for step in script.steps[: generator.randint(1, 3)])
    start = generator.randrange(max(1, size))
    return replace(script, drip=range(start, start + generator.randint(2, LONGEST_DRIP)))


def _new_film(generator: random.Random, script: Script, _: Sequence[Recording]) -> Script:
    """Other pixels, so that a data set which arrives whole is a new film and not a duplicate."""
    steps = list(script.steps)
    longest = max(range(len(steps)), key=lambda number: len(steps[number].pdu))
    if len(steps[longest].pdu) > 2_000:
        steps[longest] = replace(steps[longest], pdu=steps[longest].pdu[:-8] + generator.randbytes(8))
    return replace(script, steps=steps)


def _position(generator: random.Random, content: bytes | bytearray) -> int:
    """A position in the content, 0 if it is empty."""
    length = len(content) if generator.random() < 0.2 else min(len(content), INTERESTING_BYTES)
    return generator.randrange(max(1, length))


def _edit(generator: random.Random, script: Script, change: Callable[[bytearray], None]) -> Script:
    """The script with a change of one PDU."""
    number, steps = generator.randrange(len(script.steps)), list(script.steps)
    if steps[number].pdu:
        content = bytearray(steps[number].pdu)
        change(content)
        steps[number] = replace(steps[number], pdu=bytes(content))
    return replace(script, steps=steps)


FAULTS: dict[str, Fault] = {
    "bytes changed": _change_bytes,
    "bytes inserted": _insert_bytes,
    "bytes removed": _remove_bytes,
    "wrong length": _change_length,
    "truncated": _truncate,
    "A-ABORT": _abort,
    "closed or reset": _end,
    "spliced associations": _splice,
    "spliced bytes": _splice_bytes,
    "PDU repeated": _repeat,
    "PDU removed": _remove,
    "PDUs exchanged": _exchange,
    "all at once": _do_not_wait,
    "byte by byte": _drip,
    "other pixels": _new_film,
}
"""Name -> fault, for a script with steps. Some leave none: the peer then connects and sends nothing."""
