"""Client for writing models and Spaces to the Hub: one commit, and error translation.

An interruption leaves no partial version: large files are uploaded first, and the commit that follows is atomic.
huggingface_hub compares the files with those on the Hub, so the same command again uploads only what is missing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..errors import Busy, DiskFull, HubUnreachable, NotAllowed, NotLoggedIn, PaidPlanNeeded, PneumoniaError, UsageError
from ..files import is_disk_full

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationCopy, HfApi, RepoFile

REQUEST_TIMEOUT_S = 60
"""Seconds without data after which a request is aborted; long, because the Hub checks a commit's files before it
responds."""

Content: TypeAlias = Path | bytes
"""Content of a file to upload: a local file, or its bytes."""

Files: TypeAlias = Mapping[str, Content]
"""Path in the repository -> content."""

HUB_MANAGED_FILES = frozenset({".gitattributes"})
"""Files that the Hub creates itself and that are never removed; `.gitattributes` lists the large files."""

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_RETRY_HINT = "Run the same command again: files that were uploaded already are skipped."


@dataclass(frozen=True)
class Repository:
    """A model repository or a Space on the Hub, named `OWNER/NAME`; `endpoint` defaults to the public Hub.

    If a request fails, a method raises `NotLoggedIn`, `NotAllowed`, `PaidPlanNeeded`, `Busy`, `DiskFull`, `UsageError`
    or `HubUnreachable`.
    """

    name: str
    kind: Literal["model", "space"] = "model"
    endpoint: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"Invalid Hub repository name. Allowed: OWNER/NAME. Received: {self.name!r}.")

    @cached_property
    def api(self) -> HfApi:
        """The client of huggingface_hub, with the token from `HF_TOKEN` or from `hf auth login`."""
        from huggingface_hub import HfApi, get_token, logging
        from huggingface_hub.utils import disable_progress_bars

        logging.set_verbosity(logging.ERROR)  # its warnings quote signed upload addresses, which anyone can use
        if not sys.stderr.isatty():
            disable_progress_bars()
        return HfApi(endpoint=self.endpoint, token=get_token())

    @property
    def address(self) -> str:
        """Address of the repository for a browser."""
        return f"{self.api.endpoint}/{'spaces/' if self.kind == 'space' else ''}{self.name}"

    def require_login(self) -> None:
        """Raise `NotLoggedIn` if there is no token, before any request."""
        if not self.api.token:
            raise NotLoggedIn(
                "There is no Hub token. Allowed: a token with write access, from "
                "https://huggingface.co/settings/tokens, in HF_TOKEN or by `hf auth login`. Received: none."
            )

    def info(self, revision: str | None = None) -> Any | None:
        """The Hub's description of the repository, or None if it does not exist or is not visible to this token."""
        from huggingface_hub.errors import RepositoryNotFoundError

        with self._translate_errors():
            try:
                return self.api.repo_info(self.name, repo_type=self.kind, revision=revision)
            except RepositoryNotFoundError:
                return None

    def files(self, commit: str) -> dict[str, RepoFile]:
        """The files of a commit by name, without their content."""
        from huggingface_hub import RepoFile

        with self._translate_errors():
            tree = self.api.list_repo_tree(self.name, recursive=True, revision=commit, repo_type=self.kind)
            return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}

    def tags(self) -> list[str]:
        """The names of all tags."""
        with self._translate_errors():
            return [tag.name for tag in self.api.list_repo_refs(self.name, repo_type=self.kind).tags]

    def create(self, *, private: bool, variables: Mapping[str, str] | None = None) -> None:
        """Create the repository; a Space gets the Gradio SDK and `variables`. An existing repository is not changed."""
        extra: dict[str, Any] = {}
        if self.kind == "space":
            extra["space_sdk"] = "gradio"
            extra["space_variables"] = [{"key": key, "value": value} for key, value in (variables or {}).items()]
        with self._translate_errors(creating=True):
            self.api.create_repo(self.name, repo_type=self.kind, private=private, exist_ok=True, **extra)

    def commit(self, files: Files, obsolete: Sequence[str], message: str, *, parent: str) -> str:
        """Commit on top of `parent`: add or replace `files`, remove `obsolete`; returns the hash of the commit.

        huggingface_hub leaves unchanged files out. If nothing changes, there is no new commit, and the hash is that of
        `main`. Raises `Busy` if somebody else has changed the repository since `parent`.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [
            *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in files.items()),
            *(CommitOperationDelete(path_in_repo=name) for name in obsolete),
        ]
        with self._translate_errors():
            # Not `upload_folder`: where hf_xet is installed, it commits in batches (256 files or five minutes), so an
            # interruption could leave a part of a version on `main`.
            commit = self.api.create_commit(
                self.name, operations, commit_message=message, repo_type=self.kind, parent_commit=parent
            )
        return str(commit.oid)

    def tag(self, tag: str, commit: str) -> bool:
        """Tag a commit; returns False if the tag exists already, in which case it is not moved."""
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
        """The variables of a Space."""
        with self._translate_errors():
            variables = self.api.get_space_variables(self.name)
        return {key: str(variable.value) for key, variable in variables.items()}

    def set_variable(self, key: str, value: str | None) -> None:
        """Set a variable of a Space; None deletes it."""
        with self._translate_errors():
            if value is None:
                self.api.delete_space_variable(self.name, key)
            else:
                self.api.add_space_variable(self.name, key, value)

    @contextmanager
    def _translate_errors(self, *, creating: bool = False) -> Iterator[None]:
        from huggingface_hub import get_session

        # huggingface_hub has no timeout parameter, and creates a new client after a refused connection. Therefore, the
        # timeout is set before each request.
        get_session().timeout = REQUEST_TIMEOUT_S
        try:
            yield
        except PneumoniaError:
            raise
        except Exception as error:
            raise self._translate(error, creating) from None

    def _translate(self, error: Exception, creating: bool) -> PneumoniaError:
        """Translate an error of huggingface_hub. Its text is dropped, because it may quote a token or an address."""
        from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

        if isinstance(error, HFValidationError):
            return UsageError(f"Invalid Hub repository name. Allowed: OWNER/NAME. Received: {self.name!r}.")
        if isinstance(error, OfflineModeIsEnabled):
            return HubUnreachable("HF_HUB_OFFLINE disables the Hub. Allowed: leave it empty.")
        if isinstance(error, OSError) and is_disk_full(error):
            return DiskFull("The disk is full. Free space and run the same command again.")
        status = _status(error)
        if creating and self.kind == "space" and status in {402, 403}:
            return self._creation_error(status)
        return self._refusal(status)

    def _refusal(self, status: int | None) -> PneumoniaError:
        """The error for the HTTP status of a response; None: there was no response."""
        if status == 401:
            return NotLoggedIn(
                "The Hub rejects this token (401). Allowed: a token with write access, from "
                "https://huggingface.co/settings/tokens, in HF_TOKEN or by `hf auth login`."
            )
        if status == 402:
            return PaidPlanNeeded(
                f"The Hub requires a paid plan for {self.name} (402), or its storage quota is used up."
            )
        if status == 403:
            return NotAllowed(
                f"This token has no write access to {self.name} (403). Allowed: a token of the owner, or of a member "
                f"with write access. Received: OWNER {self.name.partition('/')[0]!r}."
            )
        if status in {409, 412}:
            return Busy(f"Somebody else is changing {self.name} ({status}). {_RETRY_HINT}")
        if status == 429:
            return HubUnreachable(f"The Hub limits the rate of requests (429). Wait some minutes. {_RETRY_HINT}")
        detail = f"status {status}" if status else "no connection, or the connection was lost"
        return HubUnreachable(f"The Hub is unavailable ({detail}). {_RETRY_HINT}")

    def _creation_error(self, status: int | None) -> PneumoniaError:
        error_class = PaidPlanNeeded if status == 402 else NotAllowed
        return error_class(
            f"The Hub does not allow this token to create {self.name} ({status}). A new Gradio Space needs a paid plan "
            "(PRO, or a paid organisation) and write access for its owner. Without a paid plan: run `python app.py` on "
            "any machine, run the container, or name an existing Gradio Space to which you have write access."
        )


def content_size(content: Content) -> int:
    """Size in bytes of a file to upload."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _status(error: BaseException | None) -> int | None:
    """HTTP status of an error or of its causes, since errors of uploads are wrapped; None without a response."""
    while error is not None:
        if (response := getattr(error, "response", None)) is not None:
            return int(response.status_code)
        error = error.__cause__
    return None
