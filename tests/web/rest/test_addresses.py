"""Addresses of the REST API: methods, unknown addresses, requests of other sites, and the model."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from pneumonia import Predictor

from .film_form import PATH, form


def test_other_methods_are_405_and_unknown_addresses_404(rest: httpx.Client) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        reply = rest.request(method, PATH)
        assert (reply.status_code, reply.headers["allow"]) == (405, "POST, OPTIONS")
    options = rest.options("/api/v1/model")
    assert (options.status_code, options.headers["allow"], options.content) == (204, "GET, HEAD, OPTIONS", b"")
    for path in ("/api", "/api/v1", "/api/v1/", "/api/v1/predict/", "/api/v2/predict", "/api/v1/nothing"):
        reply = rest.get(path)
        assert reply.status_code == 404 and reply.json()["file"] is None
        assert reply.json()["error"] == {
            "code": "usage",
            "message": "Unknown address. Allowed: the addresses in docs/rest.md.",
        }
    assert "docs/api.md" in rest.get("/apis").json()["error"]["message"]


def test_the_model_is_that_of_the_gradio_endpoint(rest: httpx.Client, predictor: Predictor) -> None:
    reply = rest.get("/api/v1/model")
    assert reply.json() == json.loads(json.dumps(predictor.describe())) and reply.headers["cache-control"] == "no-store"
    head = rest.head("/api/v1/model")
    assert (head.status_code, head.content) == (200, b"") and int(head.headers["content-length"]) == len(reply.content)


def test_pages_of_other_sites_cannot_call_it(rest: httpx.Client, files: dict[str, Path]) -> None:
    headers = {"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}
    reply = rest.post(PATH, files=form(files["film.png"].read_bytes()), headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "usage")
    preflight = rest.options(PATH, headers={**headers, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 403 and not any(name.startswith("access-control") for name in preflight.headers)
