"""The instructions of a Dockerfile, and the files that `.dockerignore` leaves for its `COPY`. No engine is imitated."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name, for example `RUN`, and the rest of the line."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """The words of the rest, in the JSON form or the shell form."""
        return list(json.loads(self.rest)) if self.rest.startswith("[") else shlex.split(self.rest)


def parse(text: str, **arguments: str) -> list[Instruction]:
    """Parse a Dockerfile. `arguments` are those of `docker build --build-arg`; an `ARG` has the default otherwise."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    instructions = [Instruction(*line.split(None, 1)) for line in joined.splitlines()]
    defaults = dict(each.rest.split("=", 1) for each in instructions if each.name == "ARG")
    values = {**defaults, **arguments}
    return [Instruction(each.name, _insert(each.rest, values)) for each in instructions]


def _insert(text: str, values: dict[str, str]) -> str:
    """The text with the values of build arguments; other variables are those of the container and stay."""
    return re.sub(r"\$(\w+)", lambda match: values.get(match[1], match[0]), text)


def build_context(root: Path) -> list[Path]:
    """The files below `root` that its `.dockerignore` does not exclude. The last pattern that matches wins."""
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    paths = (Path(folder, name).relative_to(root) for folder, _, names in os.walk(root) for name in names)
    return sorted(path for path in paths if not _is_ignored(path, patterns))


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        names = [path, *path.parents][:-1]
        anywhere = bare.removeprefix("**/")
        fits = any(fnmatch.fnmatch(each.as_posix(), bare) for each in names) or (
            anywhere != bare and any(fnmatch.fnmatch(each.name, anywhere) for each in names)
        )
        if fits:
            ignored = not pattern.startswith("!")
    return ignored


def copied_files(root: Path, instructions: list[Instruction]) -> Iterator[Path]:
    """The files of the build context that a `COPY` names."""
    sources = {word for each in instructions if each.name == "COPY" for word in each.words[:-1]}
    return (path for path in build_context(root) if any(path.is_relative_to(source) for source in sources))


def copy_files(root: Path, instructions: list[Instruction], target: Path) -> None:
    """Do what the `COPY` instructions do, into the folder `target`."""
    for path in copied_files(root, instructions):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
