"""The corpus: any number of hostile files, deterministic for a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import numpy as np

from . import decompression_bombs, films, foreign, misdeclared_dicom, zips

KILOBYTE = 1024
MARKERS = (b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\xff", b"\xff\xd9", b"\xff\xda", b"IEND")
"""Values that parsers branch on: limits of numbers of one and four bytes, and end markers of images."""


@dataclass(frozen=True)
class Hostile:
    """One file: its kind (row of the table), a name that identifies it, and a function that generates its bytes."""

    kind: str
    name: str
    make: Callable[[], bytes]

    @property
    def is_zip(self) -> bool:
        return self.kind.startswith("zip")


def corpus(number: int, *, seed: int = 0, heavy: bool = True) -> list[Hostile]:
    """`number` files: the handmade ones, then random damage; if `number` is small, a sample of both."""
    handmade = _handmade(heavy)
    if number < 2 * len(handmade):
        indices = np.random.default_rng(seed).permutation(len(handmade))[: number // 2]
        handmade = [handmade[index] for index in sorted(indices)]
    return handmade + [_randomly_damaged(seed, index) for index in range(number - len(handmade))]


def _handmade(heavy: bool) -> list[Hostile]:
    bombs = [("bomb", name, make) for name, make in decompression_bombs.QUICK.items()]
    bombs += [("bomb, large", name, make) for name, make in decompression_bombs.HEAVY.items()] if heavy else []
    files = [Hostile(*bomb) for bomb in bombs]
    for kind, contents in _static_files().items():
        files += [Hostile(kind, name, partial(bytes, content)) for name, content in contents]
    return files


@cache
def _static_files() -> dict[str, list[tuple[str, bytes]]]:
    return {
        "foreign, polyglot": list(foreign.foreign()),
        "size, mode": list(foreign.sizes()),
        "numbers": list(foreign.numbers()),
        "misdeclared DICOM": list(misdeclared_dicom.misdeclared()),
        "zip": list(zips.zips()),
        "cut at a kilobyte": list(_cut()),
        "wrong magic": list(_under_another_magic()),
    }


def _cut() -> Iterator[tuple[str, bytes]]:
    for name, whole in films.whole().items():
        yield from ((f"{name} cut at {size}", whole[:size]) for size in range(KILOBYTE, len(whole), KILOBYTE))


def _under_another_magic() -> Iterator[tuple[str, bytes]]:
    starts = {name: whole[:16] for name, whole in films.whole().items()}
    for name, whole in films.whole().items():
        yield from ((f"{name} under {other}", start + whole[16:]) for other, start in starts.items() if other != name)


def _randomly_damaged(seed: int, index: int) -> Hostile:
    names = [*films.whole(), *(f"zip of {name}" for name in films.pictures())]
    name = names[index % len(names)]
    damage = DAMAGES[(index + index // len(names)) % len(DAMAGES)]
    kind = damage.__name__.replace("_", " ")
    return Hostile(
        f"zip, {kind}" if name.startswith("zip") else kind,
        f"{name}, seed {seed}, index {index}",
        partial(_damaged, seed, index, name, damage),
    )


def _damaged(seed: int, index: int, name: str, damage: Callable[[bytearray, np.random.Generator], bytes]) -> bytes:
    random = np.random.default_rng((seed, index))
    if name.startswith("zip"):
        whole = zips.archive({"film": films.pictures()[name.removeprefix("zip of ")]})
        return damage(bytearray(whole), random)
    compressed = name.removeprefix("dicom-")
    if compressed in films.FRAMES and random.random() < 0.7:
        # Damage the compressed frame only; the rest of the file stays intact, so that the decoder is reached.
        return films.compressed(compressed, damage(bytearray(films.frame(compressed)), random) or b"\0\0")
    return damage(bytearray(films.whole()[name]), random)


def _random_position(data: bytearray, random: np.random.Generator) -> int:
    """A position that is mostly in the header, where decoders branch."""
    return int(random.integers(0, min(len(data), 400) if random.random() < 0.6 else len(data)))


def bits_flipped(data: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(int(random.integers(1, 9))):
        data[_random_position(data, random)] ^= 1 << int(random.integers(8))
    return bytes(data)


def bytes_set(data: bytearray, random: np.random.Generator) -> bytes:
    for _ in range(int(random.integers(1, 6))):
        position, value = _random_position(data, random), MARKERS[int(random.integers(len(MARKERS)))]
        data[position : position + len(value)] = value
    return bytes(data)


def numbers_set(data: bytearray, random: np.random.Generator) -> bytes:
    """Replace a number of two or four bytes, in either byte order, by a limit of its range or a nearby value."""
    position, size = _random_position(data, random), int(random.choice([2, 4]))
    order: Literal["little", "big"] = "little" if random.random() < 0.5 else "big"
    before = int.from_bytes(data[position : position + size], order)
    value = int(random.choice([0, 1, before - 1, before + 1, before * 2, 2 ** (8 * size) - 1, 2 ** (8 * size - 1)]))
    data[position : position + size] = (value % 2 ** (8 * size)).to_bytes(size, order)
    return bytes(data)


def part_lost(data: bytearray, random: np.random.Generator) -> bytes:
    position = _random_position(data, random)
    del data[position : position + int(random.integers(1, 1 + max(1, len(data) // 4)))]
    return bytes(data)


def part_doubled(data: bytearray, random: np.random.Generator) -> bytes:
    position = _random_position(data, random)
    data[position:position] = data[position : position + int(random.integers(1, 500))]
    return bytes(data)


def part_blanked(data: bytearray, random: np.random.Generator) -> bytes:
    position, size = _random_position(data, random), int(random.integers(1, 2_000))
    data[position : position + size] = bytes(len(data[position : position + size]))
    return bytes(data)


def another_grafted(data: bytearray, random: np.random.Generator) -> bytes:
    """The start of one film and the end of another."""
    others = list(films.whole().values())
    other = others[int(random.integers(len(others)))]
    return bytes(data[: _random_position(data, random) + 1]) + other[int(random.integers(len(other))) :]


def cut(data: bytearray, random: np.random.Generator) -> bytes:
    return bytes(data[: int(random.integers(len(data)))])


DAMAGES = (bits_flipped, bytes_set, numbers_set, part_lost, part_doubled, part_blanked, another_grafted, cut)
