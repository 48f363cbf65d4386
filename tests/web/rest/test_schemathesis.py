"""Calls that schemathesis makes from the OpenAPI description: no server error, no answer that is not described.

Schemathesis makes parameters and bodies, valid and invalid ones. It is imported when it is used, because its import
takes seconds.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.slow

PATHS = {"/api/v1/predict", "/api/v1/predict-batch", "/api/v1/results", "/api/v1/model"}


def operations(address: str, description: dict[str, Any]) -> list[Any]:
    import schemathesis

    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=address)
    return [result.ok() for result in schema.get_all_operations()]


def checks() -> list[Any]:
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
        checks.unsupported_method,
    ]


def call(operation: Any, address: str, examples: int) -> Counter[int]:
    """Statuses of the answers to calls of one operation. Raises for an answer that is not described."""
    from hypothesis import HealthCheck, Phase, given, settings

    statuses: Counter[int] = Counter()

    @given(case=operation.as_strategy())
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any) -> None:
        statuses[case.call_and_validate(base_url=address, checks=checks()).status_code] += 1

    run()
    return statuses


@pytest.fixture(scope="module")
def description(address: str) -> dict[str, Any]:
    content: dict[str, Any] = httpx.get(f"{address}/api/v1/openapi.json", trust_env=False, timeout=60).json()
    return content


def test_the_service_answers_as_it_is_described(address: str, description: dict[str, Any]) -> None:
    found = operations(address, description)
    assert {operation.path for operation in found} == PATHS
    statuses = sum((call(operation, address, 40) for operation in found), Counter[int]())
    assert sum(statuses.values()) >= 100 and {200, 400, 415} <= set(statuses), statuses


def test_an_answer_that_is_not_described_is_noticed(address: str, description: dict[str, Any]) -> None:
    from schemathesis.core.failures import FailureGroup

    changed = copy.deepcopy(description)
    operation = changed["paths"]["/api/v1/predict"]["post"]
    operation["responses"] = {"200": operation["responses"]["200"]}
    [predict] = [each for each in operations(address, changed) if each.path == "/api/v1/predict"]
    with pytest.raises(FailureGroup):
        call(predict, address, 20)
