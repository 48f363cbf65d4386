"""The corpus: any number of hostile files, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import numpy as np

from . import bombs, films, foreign, lies, zips

KILOBYTE = 1024
MARKERS = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\xff", b"\xff\xd9", b"\xff\xda", b"IEND")
"""What parsers branch on: the ends of numbers of one and four bytes, and ends of pictures."""


@dataclass(frozen=True)
class Hostile:
    """One file: its kind for the table, a name that finds it again, and how its bytes are made."""

    kind: str
    name: str
    make: Callable[[], bytes]

    @property
    def is_zip(self) -> bool:
        return self.kind.startswith("zip")


def corpus(number: int, *, seed: int = 0, heavy: bool = True) -> list[Hostile]:
    """So many files: those that were thought of, then damage by chance. Fewer than that: a sample of both."""
    thought_of = _thought_of(heavy)
    if number < 2 * len(thought_of):
        chosen = np.random.default_rng(seed).permutation(len(thought_of))[: number // 2]
        thought_of = [thought_of[place] for place in sorted(chosen)]
    return thought_of + [_by_chance(seed, place) for place in range(number - len(thought_of))]


def _thought_of(heavy: bool) -> list[Hostile]:
    made = [("bomb", name, make) for name, make in bombs.QUICK.items()]
    made += [("bomb, large", name, make) for name, make in bombs.HEAVY.items()] if heavy else []
    found = [Hostile(*each) for each in made]
    for kind, files in _listed().items():
        found += [Hostile(kind, name, partial(bytes, content)) for name, content in files]
    return found


@cache
def _listed() -> dict[str, list[tuple[str, bytes]]]:
    return {
        "foreign, polyglot": list(foreign.foreign()),
        "size, mode": list(foreign.sizes()),
        "numbers": list(foreign.numbers()),
        "lying DICOM": list(lies.lies()),
        "zip": list(zips.zips()),
        "cut at a kilobyte": list(_cut()),
        "wrong magic": list(_under_another_magic()),
    }


def _cut() -> Iterator[tuple[str, bytes]]:
    for name, whole in films.whole().items():
        yield from ((f"{name} cut at {at}", whole[:at]) for at in range(KILOBYTE, len(whole), KILOBYTE))


def _under_another_magic() -> Iterator[tuple[str, bytes]]:
    starts = {name: whole[:16] for name, whole in films.whole().items()}
    for name, whole in films.whole().items():
        yield from ((f"{name} under {other}", start + whole[16:]) for other, start in starts.items() if other != name)


def _by_chance(seed: int, place: int) -> Hostile:
    names = [*films.whole(), *(f"zip of {name}" for name in films.pictures())]
    name = names[place % len(names)]
    damage = DAMAGES[(place + place // len(names)) % len(DAMAGES)]
    kind = damage.__name__.replace("_", " ")
    return Hostile(
        f"zip, {kind}" if name.startswith("zip") else kind,
        f"{name}, seed {seed}, place {place}",
        partial(_damaged, seed, place, name, damage),
    )


def _damaged(seed: int, place: int, name: str, damage: Callable[[bytearray, np.random.Generator], bytes]) -> bytes:
    random = np.random.default_rng((seed, place))
    if name.startswith("zip"):
        whole = zips.archive({"film": films.pictures()[name.removeprefix("zip of ")]})
        return damage(bytearray(whole), random)
    compressed = name.removeprefix("dicom-")
    if compressed in films.FRAMES and random.random() < 0.7:
        # Damage in the frame itself: the file around it stays whole, so that the decoder gets to see it.
        return films.compressed(compressed, damage(bytearray(films.frame(compressed)), random) or b"\0\0")
    return damage(bytearray(films.whole()[name]), random)


def _place(data: bytearray, random: np.random.Generator) -> int:
    """Most of the damage is to be in the head, where the decoders branch."""
    return int(random.integers(0, min(len(data), 400) if random.random() < 0.6 else len(data)))


def bits_flipped(data: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(int(random.integers(1, 9))):
        data[_place(data, random)] ^= 1 << int(random.integers(8))
    return bytes(data)


def bytes_set(data: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(int(random.integers(1, 6))):
        at, value = _place(data, random), MARKERS[int(random.integers(len(MARKERS)))]
        data[at : at + len(value)] = value
    return bytes(data)


def numbers_set(data: bytearray, random: np.random.Generator) -> bytes:
    """A number of two or four bytes, of either order, near an end of its range or near what stood there."""
    at, size = _place(data, random), int(random.choice([2, 4]))
    order: Literal["little", "big"] = "little" if random.random() < 0.5 else "big"
    before = int.from_bytes(data[at : at + size], order)
    value = int(random.choice([0, 1, before - 1, before + 1, before * 2, 2 ** (8 * size) - 1, 2 ** (8 * size - 1)]))
    data[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, order)
    return bytes(data)


def part_lost(data: bytearray, random: np.random.Generator) -> bytes:
    at = _place(data, random)
    del data[at : at + int(random.integers(1, 1 + max(1, len(data) // 4)))]
    return bytes(data)


def part_doubled(data: bytearray, random: np.random.Generator) -> bytes:
    at = _place(data, random)
    data[at:at] = data[at : at + int(random.integers(1, 500))]
    return bytes(data)


def part_blanked(data: bytearray, random: np.random.Generator) -> bytes:
    at, size = _place(data, random), int(random.integers(1, 2_000))
    data[at : at + size] = bytes(len(data[at : at + size]))
    return bytes(data)


def another_grafted(data: bytearray, random: np.random.Generator) -> bytes:
    """The head of one film and the tail of another."""
    others = list(films.whole().values())
    other = others[int(random.integers(len(others)))]
    return bytes(data[: _place(data, random) + 1]) + other[int(random.integers(len(other))) :]


def cut(data: bytearray, random: np.random.Generator) -> bytes:
    return bytes(data[: int(random.integers(len(data)))])


DAMAGES = (bits_flipped, bytes_set, numbers_set, part_lost, part_doubled, part_blanked, another_grafted, cut)
