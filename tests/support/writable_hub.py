"""The fake Hub with write routes (`writable_hub_routes.py`): what its repositories hold, and which requests fail.

Like the real one, it requires write access, keeps uploaded files even if their commit never arrives, commits all or
nothing, and does not move tags.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .fake_hub import FakeHub, Fault, HubHandler

TOKEN = "hf_averysecrettokenthatnobodymaysee"
READ_TOKEN = "hf_anothersecrettokenthatmayreadonly"
OWNER = "clinic"

LFS_SUFFIXES = (".tflite", ".npz", ".keras", ".png", ".ttf")
"""Suffixes of the binary files that the Hub stores in LFS."""
ATTRIBUTES = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LFS_SUFFIXES).encode()

PAID_PLAN_MESSAGE = (
    "Static Spaces are free for everyone, but hosting Gradio and Docker Spaces on free cpu-basic requires a PRO "
    "subscription. Subscribe at https://huggingface.co/pro"
)


class Break(Enum):
    """How a request fails; an integer instead of a member is the HTTP status of the response."""

    CUT = "the connection closes at once; nothing is done"
    HALF = "the connection closes half way through the request body"
    LOST = "done, but the response is not sent"
    SILENT = "no response, and the connection stays open"


@dataclass
class WritableHub(FakeHub):
    """Repositories by name; names of Spaces start with `spaces/`."""

    paid_plan: bool = True
    private: set[str] = field(default_factory=set)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    """The name of the step of each request."""
    uploads: list[str] = field(default_factory=list)
    """The sha256 of each large file that arrived completely, once per upload."""
    operations: list[list[str]] = field(default_factory=list)
    """The operations of each commit, such as `file README.md`."""
    received: int = 0
    """Bytes of all request bodies."""
    breaks: dict[str, tuple[Break | int, int]] = field(default_factory=dict)
    """Step -> (fault, remaining number of times)."""

    def __post_init__(self) -> None:
        super().__init__()
        self.lock = threading.RLock()

    def handler(self) -> type[HubHandler]:
        from .writable_hub_routes import WritingHandler  # which needs this class

        return WritingHandler

    def fail(self, step: str, fault: Break | int, times: int = 1000) -> None:
        """Let this step fail `times` times."""
        self.breaks[step] = (fault, times)

    def take_break(self, step: str) -> Break | int | None:
        with self.lock:
            fault, times = self.breaks.get(step, (None, 0))
            if fault is None or times < 1:
                return None
            self.breaks[step] = (fault, times - 1)
            return fault

    def push(self, repository: str, files: Mapping[str, bytes]) -> str:
        """Commit `files`; the storage has the large ones from then on."""
        large = [data for name, data in files.items() if name.endswith(LFS_SUFFIXES)]
        self.objects |= {hashlib.sha256(data).hexdigest(): data for data in large}
        return super().push(repository, files)

    def has(self, repository: str) -> bool:
        return repository in self._commits

    def history(self, repository: str) -> list[str]:
        """The commits of a repository, oldest first."""
        return list(self._commits.get(repository, {}))

    def files(self, repository: str, revision: str = "main") -> Mapping[str, bytes]:
        resolved = self.resolve(repository, revision)
        assert not isinstance(resolved, Fault)
        return resolved[1]

    def resolve(self, repository: str, revision: str) -> tuple[str, Mapping[str, bytes]] | Fault:
        return super().resolve(repository, self.tags.get(repository, {}).get(revision, revision))
