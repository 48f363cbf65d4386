"""Meaning of the status in a C-STORE response: PS3.4, Table B.2-1, and the general statuses of PS3.7, Annex C."""

from __future__ import annotations

from .outcome import DELIVERED, Outcome, Verdict

SUCCESS, DUPLICATE_INSTANCE, CANCELLED = 0x0000, 0x0111, 0xFE00

_GENERAL_WARNINGS = {0x0001: "warning", 0x0107: "attribute list error", 0x0116: "attribute value out of range"}
_STORAGE_WARNINGS = {
    0xB000: "coercion of data elements",
    0xB006: "elements discarded",
    0xB007: "data set does not match SOP class",
}
_REFUSALS = {
    0x0105: ("invalid_object", "no such attribute"),
    0x0106: ("invalid_object", "invalid attribute value"),
    0x0110: ("processing_failure", "processing failure"),
    0x0112: ("invalid_object", "no such SOP instance"),
    0x0115: ("invalid_object", "invalid argument value"),
    0x0117: ("invalid_object", "invalid SOP instance"),
    0x0118: ("sop_class_not_supported", "no such SOP class"),
    0x0119: ("invalid_object", "class-instance conflict"),
    0x0120: ("invalid_object", "missing attribute"),
    0x0121: ("invalid_object", "missing attribute value"),
    0x0122: ("sop_class_not_supported", "SOP class not supported"),
    0x0124: ("not_authorised", "not authorised"),
    0x0210: ("protocol_error", "duplicate invocation"),
    0x0211: ("protocol_error", "unrecognised operation"),
    0x0212: ("protocol_error", "mistyped argument"),
    CANCELLED: ("processing_failure", "cancelled"),
}
_RESOURCE_LIMITATION = 0x0213


def outcome_of(status: int) -> Outcome:
    """What a status in 0000 to FFFF (hexadecimal) means for the delivery.

    Warnings mean that the object is stored. A duplicate is stored too: UIDs are deterministic, so the destination has
    this object from an attempt whose response was lost.
    """
    if status == SUCCESS:
        return DELIVERED
    if status == DUPLICATE_INSTANCE:
        return Outcome(Verdict.DELIVERED, "duplicate", _sentence(status, "the destination has the object already"))
    if status in _GENERAL_WARNINGS or 0xB000 <= status <= 0xBFFF:
        text = (_GENERAL_WARNINGS | _STORAGE_WARNINGS).get(status, "warning")
        return Outcome(Verdict.DELIVERED, "warning", _sentence(status, text))
    if 0xA700 <= status <= 0xA7FF or status == _RESOURCE_LIMITATION:
        return Outcome(Verdict.UNAVAILABLE, "out_of_resources", _sentence(status, "out of resources"))
    reason, text = _refusal(status)
    return Outcome(Verdict.REFUSED, reason, _sentence(status, text))


def _refusal(status: int) -> tuple[str, str]:
    if 0xA900 <= status <= 0xA9FF:
        return "data_set_mismatch", "data set does not match SOP class"
    if 0xC000 <= status <= 0xCFFF:
        return "cannot_understand", "cannot understand"
    return _REFUSALS.get(status, ("other_status", "a status that the standard does not define"))


def _sentence(status: int, text: str) -> str:
    return f"C-STORE response {status:04X}H: {text}."
