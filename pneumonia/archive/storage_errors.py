"""Errors of a storage that no retry can heal: missing credentials, a missing bucket, a missing package.

Each storage has its own exceptions, and its package is optional. They are therefore recognised by class name, by the
error code of S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), and by HTTP status.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import UsageError

_CREDENTIALS = "the credentials are missing, invalid or expired"
_NO_BUCKET = "the bucket or repository does not exist"

_CAUSES = {
    # botocore (s3fs)
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "ProfileNotFound": _CREDENTIALS,
    "UnauthorizedSSOTokenError": _CREDENTIALS,
    "SSOTokenLoadError": _CREDENTIALS,
    # google.auth (gcsfs)
    "DefaultCredentialsError": _CREDENTIALS,
    "RefreshError": _CREDENTIALS,
    # azure.core, azure.identity (adlfs)
    "ClientAuthenticationError": _CREDENTIALS,
    "CredentialUnavailableError": _CREDENTIALS,
    # huggingface_hub
    "LocalTokenNotFoundError": _CREDENTIALS,
    "GatedRepoError": _CREDENTIALS,
    "RepositoryNotFoundError": _NO_BUCKET,
}
"""Class name of an exception -> cause."""

_CAUSES_BY_CODE = {
    "AccountProblem": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidSecurity": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "NotSignedUp": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "TokenRefreshRequired": _CREDENTIALS,
    "InvalidBucketName": _NO_BUCKET,
    "NoSuchBucket": _NO_BUCKET,
}
"""Error code of S3 -> cause. `AccessDenied` may concern a single object and is not listed."""

_HUB_FOLDERS = {"buckets", "datasets", "spaces"}
"""First folder of a Hub address whose repository is not a model."""

_UNAUTHORISED = 401
"""HTTP status of a request with missing or invalid credentials."""


class StorageUnusable(UsageError):
    """The storage cannot be used with the present configuration. It ends the run, since every film would fail."""


def unusable(cause: str, address: str) -> StorageUnusable:
    """The error for an address; it names the bucket only."""
    allowed = "an existing bucket or repository, with valid credentials on every machine"
    return StorageUnusable(f"The storage cannot be used: {cause}. Allowed: {allowed}. Received: {root_of(address)}.")


def root_of(address: str) -> str:
    """Protocol and bucket of an address, `s3://bucket`; on the Hub protocol and repository, `hf://datasets/owner/name`."""
    protocol, _, path = address.partition("://")
    parts = path.lstrip("/").split("/")
    depth = 1 if protocol != "hf" else 3 if parts[0] in _HUB_FOLDERS else 2
    # Without the password of `ftp://user:password@host`, and with the revision of `hf://owner/name@revision`.
    return f"{protocol}://{'/'.join(parts[:depth]) if protocol == 'hf' else parts[0].rpartition('@')[2]}"


@contextmanager
def permanent_errors(address: str) -> Iterator[None]:
    """Replace an exception that no retry can heal by `StorageUnusable`; others pass."""
    try:
        yield
    except StorageUnusable:
        raise
    except Exception as error:
        cause = next(filter(None, map(_cause, _chain(error))), None)
        if cause is None:
            raise
        raise unusable(cause, address) from None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its explicit causes; drivers translate the exceptions of their client."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def _cause(error: BaseException) -> str | None:
    if isinstance(error, ImportError):
        return f"the package {error.name or 'of its driver'} is not installed"
    if getattr(error, "retryable", False):  # google.auth: the token service did not respond
        return None
    names = [error_type.__name__ for error_type in type(error).__mro__]
    cause = next((_CAUSES[name] for name in names if name in _CAUSES), None) or _CAUSES_BY_CODE.get(_s3_code(error))
    if cause is None and _UNAUTHORISED in (getattr(error, "status", None), getattr(error, "code", None)):
        return _CREDENTIALS
    return cause


def _s3_code(error: BaseException) -> str:
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    return str(details.get("Code")) if isinstance(details, dict) else ""
