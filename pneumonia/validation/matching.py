"""Which file each row of a label table means: by path, else by a file name that occurs once."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Parts = tuple[str, ...]
"""Folders and file name of a path, normalised for comparison."""


@dataclass
class Matches:
    """`pairs`: (row, file) of each row that means one file. `problems`: (row, code) of the others."""

    pairs: list[tuple[int, int]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def match_rows(files: Sequence[str], rows: Sequence[str]) -> Matches:
    r"""Match rows to files.

    A row means a file if one of the two paths ends with the other: `a.png`, `ward/a.png` and `/data/ward/a.png` all
    mean `films.zip/ward/a.png`. Of several such files none is taken. A path of which only the file name agrees means
    the file if the name occurs once among the files and once among the rows. A name without extension means the file
    with one. Case, and `\` or `/`, do not matter.
    """
    file_parts = [_parts(name) for name in files]
    row_parts = [_parts(name) for name in rows]
    named = _by_last(file_parts)
    stems = _by_last([_without_extension(parts) for parts in file_parts])
    row_counts = Counter(parts[-1] for parts in row_parts if parts)
    matches = Matches()
    for row, parts in enumerate(row_parts):
        candidates = named.get(parts[-1], []) if parts else []
        if parts and not candidates:
            candidates = stems.get(parts[-1], [])
            agreeing = [file for file in candidates if _agree(parts, _without_extension(file_parts[file]))]
        else:
            agreeing = [file for file in candidates if _agree(parts, file_parts[file])]
        if not agreeing and len(candidates) == 1 and row_counts[parts[-1]] == 1:
            agreeing = candidates
        if len(agreeing) == 1:
            matches.pairs.append((row, agreeing[0]))
        else:
            matches.problems.append((row, "ambiguous_file" if agreeing else "no_file"))
    return matches


def _parts(name: str) -> Parts:
    text = unicodedata.normalize("NFC", name).casefold().replace("\\", "/")
    return tuple(part for part in text.split("/") if part not in {"", "."})


def _without_extension(parts: Parts) -> Parts:
    stem, dot, _ = parts[-1].rpartition(".") if parts else ("", "", "")
    return (*parts[:-1], stem) if dot and stem else parts


def _by_last(paths: Iterable[Parts]) -> dict[str, list[int]]:
    index: dict[str, list[int]] = defaultdict(list)
    for number, parts in enumerate(paths):
        if parts:
            index[parts[-1]].append(number)
    return index


def _agree(first: Parts, second: Parts) -> bool:
    """Whether the shorter path is the end of the longer one."""
    length = min(len(first), len(second))
    return first[len(first) - length :] == second[len(second) - length :]
