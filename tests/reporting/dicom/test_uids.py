"""UIDs of result objects: form, root, and that they depend on each part."""

from __future__ import annotations

import pytest
from pydicom.uid import UID

from pneumonia.errors import UsageError
from pneumonia.reporting.dicom import uids
from pneumonia.reporting.dicom.options import ResultOptions
from pneumonia.reporting.dicom.uids import result_uid
from pneumonia.settings import MAX_UID_ROOT_CHARACTERS

LONGEST_ROOT = "1.2.826.0.1.3680043.10.999.1234567890.123456"
ROOTS = ["", "1.2.826.0.1.3680043.10.999", LONGEST_ROOT[:MAX_UID_ROOT_CHARACTERS]]


@pytest.mark.parametrize("root", ROOTS)
def test_a_uid_is_valid_and_lies_under_its_root(root: str) -> None:
    for number in range(200):
        uid = UID(result_uid(root, "instance", number))
        assert uid.is_valid and len(uid) <= 64
        assert uid.startswith(f"{root or uids.UUID_ROOT}.")


@pytest.mark.parametrize("root", ROOTS)
def test_equal_parts_have_one_uid_and_others_have_another(root: str) -> None:
    parts = [("a", "b"), ("ab",), ("a", "b", ""), ("a", "b", None), ("a", 0.1), ("a", 0.10001), ("ä", "b"), ()]
    assert [result_uid(root, *part) for part in parts] == [result_uid(root, *part) for part in parts]
    assert len({result_uid(root, *part) for part in parts}) == len(parts)


def test_a_uid_is_the_same_in_every_release() -> None:
    """An object that a later release makes again must replace the first one."""
    assert result_uid("", "instance", "1.2.3") == "2.25.136685566429797376042953362902924727653"
    assert result_uid("1.2.3", "instance", "1.2.3") == "1.2.3.907151872881445967546050400399105725975"


@pytest.mark.parametrize(
    "values",
    [
        {"uid_root": "1.2.03"},
        {"uid_root": "1.2."},
        {"uid_root": "3.1"},
        {"uid_root": "hospital"},
        {"uid_root": LONGEST_ROOT},
        {"language": "xx"},
        {"manufacturer": "a\\b"},
        {"institution_name": "x" * 65},
        {"station_name": "x" * 17},
        {"series_number_base": 0},
        {"series_number_base": True},
    ],
)
def test_invalid_options_are_usage_errors_that_name_what_is_allowed(values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"Allowed: .*\. Received: "):
        ResultOptions(**values)  # type: ignore[arg-type]
