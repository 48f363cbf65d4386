"""Writing to the Hub, for models and Spaces alike: one commit of what differs, and the Hub's refusals in our words.

A break leaves nothing half: large files are asked for by their sha256 before they are sent, the commit comes after
them and changes all or nothing. The same command again sends what had not arrived.
"""

from __future__ import annotations

import errno
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..errors import Busy, DiskFull, HubUnreachable, NotAllowed, NotLoggedIn, PaidPlanNeeded, PneumoniaError, UsageError

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationCopy, HfApi, RepoFile

REQUEST_TIMEOUT_S = 60
"""Seconds that the Hub may be silent within a request; it checks a commit's files before it answers."""

Content: TypeAlias = Path | bytes
Files: TypeAlias = Mapping[str, Content]

HUB_MANAGED_FILES = frozenset({".gitattributes"})
"""Made by the Hub itself; says which files are large."""

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_RETRY_HINT = "Run the same command again: what has arrived is not sent again."


@dataclass(frozen=True)
class Repository:
    """One repository of a model or a Space. Every method raises a `PneumoniaError` where the Hub refuses."""

    name: str
    kind: Literal["model", "space"] = "model"
    endpoint: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"That is no name on the Hub. Allowed: OWNER/NAME. Received: {self.name!r}.")

    @cached_property
    def api(self) -> HfApi:
        """The Hub's client, with the token of `HF_TOKEN` or of a login."""
        from huggingface_hub import HfApi, get_token, logging
        from huggingface_hub.utils import disable_progress_bars

        logging.set_verbosity(logging.ERROR)  # its warnings quote addresses that let anyone upload
        if not sys.stderr.isatty():
            disable_progress_bars()
        return HfApi(endpoint=self.endpoint, token=get_token())

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"{self.api.endpoint}/{'spaces/' if self.kind == 'space' else ''}{self.name}"

    def require_login(self) -> None:
        """Raises `NotLoggedIn` where no token is at hand, before anything is asked of the Hub."""
        if not self.api.token:
            raise NotLoggedIn(
                "There is no token for the Hub. Allowed: one with the right to write, from "
                "https://huggingface.co/settings/tokens, in HF_TOKEN or by `hf auth login`. Received: none."
            )

    def info(self, revision: str | None = None) -> Any | None:
        """What the Hub says of it, or None where it is not there or may not be seen."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with self._translate_errors():
            try:
                return self.api.repo_info(self.name, repo_type=self.kind, revision=revision)
            except RepositoryNotFoundError:
                return None

    def files(self, commit: str) -> dict[str, RepoFile]:
        """Its files at a commit by name, without their content."""
        from huggingface_hub import RepoFile

        with self._translate_errors():
            tree = self.api.list_repo_tree(self.name, recursive=True, revision=commit, repo_type=self.kind)
            return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}

    def tags(self) -> list[str]:
        """The names of its tags."""
        with self._translate_errors():
            return [tag.name for tag in self.api.list_repo_refs(self.name, repo_type=self.kind).tags]

    def create(self, *, private: bool, variables: Mapping[str, str] | None = None) -> None:
        """Make it; a Space with the sdk gradio and these variables. One that is there stays as it is."""
        extra: dict[str, Any] = {}
        if self.kind == "space":
            extra["space_sdk"] = "gradio"
            extra["space_variables"] = [{"key": key, "value": value} for key, value in (variables or {}).items()]
        with self._translate_errors(creating=True):
            self.api.create_repo(self.name, repo_type=self.kind, private=private, exist_ok=True, **extra)

    def commit(self, files: Files, obsolete: Sequence[str], message: str, *, parent: str) -> str:
        """One commit on top of `parent` that adds `files` and removes `obsolete`; returns its name.

        Raises `Busy` where somebody else changed the repository since `parent`.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [
            *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in files.items()),
            *(CommitOperationDelete(path_in_repo=name) for name in obsolete),
        ]
        with self._translate_errors():
            commit = self.api.create_commit(
                self.name, operations, commit_message=message, repo_type=self.kind, parent_commit=parent
            )
        return str(commit.oid)

    def tag(self, tag: str, commit: str) -> bool:
        """Name a commit; False where the tag is already there, which then stays as it is."""
        from huggingface_hub.errors import HfHubHTTPError

        with self._translate_errors():
            try:
                self.api.create_tag(self.name, tag=tag, revision=commit, repo_type=self.kind)
            except HfHubHTTPError as error:
                if _status(error) == 409:
                    return False
                raise
        return True

    def variables(self) -> dict[str, str]:
        """A Space's variables."""
        with self._translate_errors():
            variables = self.api.get_space_variables(self.name)
        return {key: str(variable.value) for key, variable in variables.items()}

    def set_variable(self, key: str, value: str | None) -> None:
        """Set a Space's variable, or remove it with None."""
        with self._translate_errors():
            if value is None:
                self.api.delete_space_variable(self.name, key)
            else:
                self.api.add_space_variable(self.name, key, value)

    @contextmanager
    def _translate_errors(self, *, creating: bool = False) -> Iterator[None]:
        from huggingface_hub import get_session

        # The hub library waits for ever; after a refused connection it makes a new client, so this is set each time.
        get_session().timeout = REQUEST_TIMEOUT_S
        try:
            yield
        except PneumoniaError:
            raise
        except Exception as error:
            raise self._translate(error, creating) from None

    def _translate(self, error: Exception, creating: bool) -> PneumoniaError:
        """The hub library's errors as ours; their texts are left out, since they may quote a token or an address."""
        from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

        if isinstance(error, HFValidationError):
            return UsageError(f"That is no name on the Hub. Allowed: OWNER/NAME. Received: {self.name!r}.")
        if isinstance(error, OfflineModeIsEnabled):
            return HubUnreachable("HF_HUB_OFFLINE forbids the Hub. Allowed: to leave it empty.")
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DiskFull("The disk is full. Free space and run the same command again.")
        status = _status(error)
        if creating and self.kind == "space" and status in {402, 403}:
            return self._creation_refused(status)
        if status == 401:
            return NotLoggedIn(
                "The Hub does not accept this token (401). Allowed: one with the right to write, from "
                "https://huggingface.co/settings/tokens, in HF_TOKEN or by `hf auth login`."
            )
        if status == 402:
            return PaidPlanNeeded(f"The Hub asks for a paid plan for {self.name} (402), or its storage is used up.")
        if status == 403:
            return NotAllowed(
                f"This token may not write to {self.name} (403). Allowed: the owner's token, or a member's with the "
                f"right to write. Received: OWNER {self.name.partition('/')[0]!r}."
            )
        if status in {409, 412}:
            return Busy(f"Somebody else is changing {self.name} ({status}). {_RETRY_HINT}")
        if status == 429:
            return HubUnreachable(f"The Hub limits how often it may be asked (429). Wait some minutes. {_RETRY_HINT}")
        detail = f"it answered {status}" if status else "no connection, or it broke off"
        return HubUnreachable(f"The Hub cannot be used ({detail}). {_RETRY_HINT}")

    def _creation_refused(self, status: int | None) -> PneumoniaError:
        kind = PaidPlanNeeded if status == 402 else NotAllowed
        return kind(
            f"The Hub does not let this token create {self.name} ({status}). A new Gradio Space takes a paid plan "
            "(PRO, or a paid organisation) and the right to write for its owner. What works without: `python app.py` "
            "on any machine, the container, or a Gradio Space that is already yours, under its own name."
        )


def changed_files(files: Files, remote_files: Mapping[str, RepoFile]) -> dict[str, Content]:
    """The files that the Hub has not got, or has got otherwise; told by size and hash, nothing is downloaded."""
    return {name: content for name, content in files.items() if not _is_same(content, remote_files.get(name))}


def content_size(content: Content) -> int:
    """Bytes of a file to send."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _is_same(content: Content, remote: RepoFile | None) -> bool:
    if remote is None or remote.size != content_size(content):
        return False
    data = content if isinstance(content, bytes) else content.read_bytes()
    if remote.lfs is not None:
        return bool(hashlib.sha256(data).hexdigest() == remote.lfs.sha256)
    return bool(hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == remote.blob_id)


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error; an upload's comes wrapped in another error."""
    while error is not None:
        if (response := getattr(error, "response", None)) is not None:
            return int(response.status_code)
        error = error.__cause__
    return None
