"""Sends result objects to a DICOMweb server by STOW-RS: PS3.18, section 10.5, one instance in each request."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
from dicomweb_client import DICOMwebClient
from pydicom import dcmread
from pydicom.dataset import Dataset
from requests.adapters import HTTPAdapter

from .destinations import Destination
from .outcome import DELIVERED, Outcome, Verdict
from .store_status import outcome_of
from .tls import TlsFiles, client_context, describe_handshake_failure
from .tls_renewal import TlsReloader

_REFUSED, _INTERRUPTED, _UNAVAILABLE = Verdict.REFUSED, Verdict.INTERRUPTED, Verdict.UNAVAILABLE
_STATUSES = {
    400: (_REFUSED, "invalid_object", "the server cannot read the request"),
    401: (_UNAVAILABLE, "not_authorised", "token or password are missing or wrong"),
    403: (_UNAVAILABLE, "not_authorised", "the user of this service may not store"),
    404: (_UNAVAILABLE, "wrong_address", "no STOW-RS at this address"),
    405: (_UNAVAILABLE, "wrong_address", "no STOW-RS at this address"),
    406: (_REFUSED, "invalid_object", "the server cannot answer in DICOM JSON"),
    408: (_UNAVAILABLE, "server_error", "the server timed out"),
    409: (_REFUSED, "invalid_object", "the server does not store this object"),
    413: (_REFUSED, "too_large", "the object is too large for the server"),
    415: (_REFUSED, "sop_class_not_supported", "the server does not take this kind of object"),
    429: (_UNAVAILABLE, "out_of_resources", "the server is overloaded"),
    # The object may be the cause of a server's error, so the attempt counts.
    500: (_INTERRUPTED, "server_error", "error of the server"),
    501: (_UNAVAILABLE, "wrong_address", "the server does not offer STOW-RS"),
    507: (_UNAVAILABLE, "out_of_resources", "the disk of the server is full"),
}
"""HTTP status -> verdict, reason, text: PS3.18, Table 10.5.3-1, and RFC 9110."""

_FOUND_BY_CHECK = {401, 403, 407, 502, 503, 504}
"""HTTP statuses that are a problem whatever was requested: login, proxy, gateway. Servers answer a request for their
capabilities in many ways, Orthanc for example with 404."""

_WEB_PAGE = Outcome(_UNAVAILABLE, "wrong_address", "The server answers with a web page; set url to its STOW-RS.")


class StowClient:
    """One DICOMweb server, used by one thread; its connection is kept open between objects."""

    def __init__(self, destination: Destination, files: TlsFiles) -> None:
        self._session = _session(destination, files)
        # Without `tls`, https is checked against the certificate authorities of the operating system and of `requests`,
        # and no client certificate is sent.
        self._tls = TlsReloader(destination.name, files if destination.tls else TlsFiles(), client_context)
        self._used_tls: ssl.SSLContext | None = None
        self._url, self._timeout = f"{destination.url.rstrip('/')}/studies", destination.connect_timeout_s
        self._response: requests.Response | None = None
        self._client = DICOMwebClient(
            destination.url.rstrip("/"),
            session=self._session,
            headers=_headers(destination),
            callback=self._keep,
            # In one piece with a Content-Length, since some servers refuse chunked requests.
            chunk_size=10**9,
            timeout=(destination.connect_timeout_s, destination.response_timeout_s),
        )
        # Attempts and pauses are those of the queue.
        self._client.set_http_retry_params(retry=False)

    def send(self, path: Path) -> Outcome:
        """Send the DICOM file at `path`; raises only what is a bug or a damaged file of our own."""
        dataset = dcmread(path)
        return self._outcome_of(lambda: self._send(dataset))

    def check(self) -> str:
        """What keeps the server from being reached, "" if nothing: connection, TLS, and login as far as it tells.

        Requests its capabilities (PS3.18, section 8.9), which stores nothing. Whether it stores shows the first result.
        """
        outcome = self._outcome_of(self._request_capabilities)
        return "" if outcome.is_delivered else outcome.detail

    def _request_capabilities(self) -> Outcome:
        response = self._session.options(self._url, timeout=self._timeout)
        return _outcome_of_error(response) if response.status_code in _FOUND_BY_CHECK else DELIVERED

    def _outcome_of(self, request: Callable[[], Outcome]) -> Outcome:
        self._response = None
        self._use_present_tls()
        try:
            return request()
        except requests.HTTPError as error:
            assert error.response is not None  # `raise_for_status` has set it
            return _outcome_of_error(error.response)
        except requests.exceptions.SSLError as error:
            return Outcome(_UNAVAILABLE, "tls", _describe_tls(error))
        except requests.TooManyRedirects:
            return Outcome(_UNAVAILABLE, "wrong_address", "The server redirects; set its final address as url.")
        except requests.ConnectTimeout:
            return Outcome(_UNAVAILABLE, "not_reachable", "The connection is not answered.")
        except requests.Timeout:
            return Outcome(_INTERRUPTED, "no_response", "The server did not answer in time.")
        except requests.RequestException as error:
            return _outcome_of_connection(error)

    def _use_present_tls(self) -> None:
        """Connect with the present files of TLS; a connection that is open with former ones is closed."""
        tls = self._tls.current()
        if tls is not self._used_tls:
            self._session.get_adapter("https://").close()
            self._session.mount("https://", _TlsAdapter(tls))
            self._used_tls = tls

    def _send(self, dataset: Dataset) -> Outcome:
        try:
            content = self._client.store_instances([dataset])
            return _WEB_PAGE if _is_web_page(self._response) else _outcome_of_response(content)
        except (requests.JSONDecodeError, ValueError, TypeError, KeyError, AttributeError):
            # Not the JSON object of PS3.18: the client raises whatever its parser does.
            if self._response is None or not self._response.ok:
                raise
            return _outcome_of_unread(self._response)

    def _keep(self, response: requests.Response, *_: object, **__: object) -> requests.Response:
        """Called for each response. Removes parameters of its type, with which `DICOMwebClient` would not read it."""
        response.headers["Content-Type"] = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        self._response = response
        return response

    def close_if_idle(self) -> None:
        """Nothing: an idle HTTP connection costs the server little, and a closed one is opened again."""

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _session(destination: Destination, files: TlsFiles) -> requests.Session:
    session = requests.Session()
    # The configuration decides, not `~/.netrc`, HTTPS_PROXY or REQUESTS_CA_BUNDLE of the environment.
    session.trust_env = False
    if destination.proxy:
        session.proxies = {"http": destination.proxy, "https": destination.proxy}
    # A redirected POST becomes a GET, whose success would look like a stored object.
    session.max_redirects = 0
    if destination.user:
        session.auth = (destination.user, destination.password)
    if destination.tls:
        session.verify = str(files.authorities) if files.authorities is not None else True
    return session


class _TlsAdapter(HTTPAdapter):
    """Connects with our TLS context: client certificate, encrypted key, cipher suites."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The connections through a proxy: the TLS inside of them is that with the server."""
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)


def _headers(destination: Destination) -> dict[str, str]:
    headers = {"Accept": "application/dicom+json"}
    if destination.token_variable:
        headers["Authorization"] = f"Bearer {destination.token}"
    return headers


def _outcome_of_response(response: Dataset) -> Outcome:
    """Success, unless the response lists the instance as failed (status 202, with some servers 200 too)."""
    for item in response.get("FailedSOPSequence", []):
        return _outcome_of_reason(item, "FailureReason")
    for item in response.get("ReferencedSOPSequence", []):
        if item.get("WarningReason"):
            return _outcome_of_reason(item, "WarningReason")
    return DELIVERED


def _is_web_page(response: requests.Response | None) -> bool:
    """True for the page of a login, a proxy or a viewer: they answer 200 to any request, and nothing is stored."""
    return response is not None and "html" in response.headers.get("Content-Type", "") and bool(response.content)


def _outcome_of_unread(response: requests.Response) -> Outcome:
    """For a success whose body is an array with one object, as of some servers, or cannot be read."""
    dataset = _first_dataset(response)
    if dataset is not None:
        return _outcome_of_response(dataset)
    if response.status_code == 200:  # "successfully stored all instances": PS3.18, Table 10.5.3-1
        return Outcome(Verdict.DELIVERED, "warning", "HTTP status 200, with a response that cannot be read.")
    return Outcome(_INTERRUPTED, "no_response", "The response of the server cannot be read.")


def _outcome_of_reason(item: Dataset, keyword: str) -> Outcome:
    reason = item.get(keyword)
    outcome = outcome_of(reason if isinstance(reason, int) and reason else 0x0110)
    return Outcome(outcome.verdict, outcome.reason, outcome.detail.replace("C-STORE response", "STOW-RS reason"))


def _outcome_of_error(response: requests.Response) -> Outcome:
    dataset = _first_dataset(response) if response.status_code == 409 else None
    for failed in [] if dataset is None else dataset.get("FailedSOPSequence", []):
        return _outcome_of_reason(failed, "FailureReason")
    default = (_UNAVAILABLE if response.status_code >= 500 else _REFUSED, "server_error", "no success")
    verdict, reason, text = _STATUSES.get(response.status_code, default)
    return Outcome(verdict, reason, f"HTTP status {response.status_code}: {text}.")


def _first_dataset(response: requests.Response) -> Dataset | None:
    """The data set of a response in DICOM JSON; None if it is something else."""
    try:
        content = response.json()
        return Dataset.from_json(content[0] if isinstance(content, list) else content)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None


def _describe_tls(error: BaseException) -> str:
    for nested in _causes(error):
        if isinstance(nested, ssl.SSLError):
            return describe_handshake_failure(nested)
    return "The TLS handshake failed."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it wraps: requests and urllib3 keep the cause in `args` or `reason`."""
    yield error
    nested = [getattr(error, "reason", None), error.__cause__, error.__context__, *error.args]
    for cause in nested:
        if isinstance(cause, BaseException):
            yield from _causes(cause)


def _outcome_of_connection(error: requests.RequestException) -> Outcome:
    text = "The server cannot be reached: nothing listens there, a wrong name, or a firewall rejects it."
    if any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in _causes(error)):
        return Outcome(_INTERRUPTED, "no_response", "The server closed the connection before it answered.")
    return Outcome(_UNAVAILABLE, "not_reachable", text)
