"""The error codes of the contract (docs/api.md)."""

from __future__ import annotations

UNREADABLE_CODES = {
    "unreadable_image",
    "unsupported_format",
    "empty_file",
    "too_large",
    "too_small",
    "unsupported_dicom",
    "no_pixels",
}
FILM_CODES = UNREADABLE_CODES | {"busy", "internal"}
START_CODES = {"bundle_corrupt", "model_not_found", "revision_not_found", "hub_unreachable", "disk_full"}
START_CODES |= {"site_corrupt", "site_mismatch"}
PUBLISHING_CODES = {"figures_disagree", "tag_taken", "hub_login", "hub_forbidden", "hub_paid_plan"}
