"""The patient's age at the time of the film, from PatientAge or from birth date and study date."""

from __future__ import annotations

import datetime
import re

import pydicom

from . import elements

MAX_AGE_YEARS = 125
"""Ages above this are not real: `999Y` and the birth year 1900 stand for an unknown age."""

_DAYS_PER_YEAR = 365.25
_DAYS_PER_UNIT = {"D": 1.0, "W": 7.0, "M": 30.44, "Y": _DAYS_PER_YEAR}
_UNITS = {"", "D", "DAY", "DAYS", "W", "WK", "WKS", "WEEK", "WEEKS", "M", "MO", "MOS", "MON", "MTH", "MTHS", "MONTH"}
_UNITS |= {"MONTHS", "Y", "YR", "YRS", "YEAR", "YEARS"}

_AGE = re.compile(r"\s*(\d{1,5}(?:[.,]\d{1,3})?)\s*([A-Za-z]*)\.?\s*")
_DATE = re.compile(r"\s*(\d{4})[-./: ]?(\d{2})[-./: ]?(\d{2})(?!\d{1,3}$)")
_FILM_DATES = ("StudyDate", "AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "ContentDate")
"""Dates of the film, by preference."""


def age_years(dataset: pydicom.Dataset) -> float | None:
    """The age in years; None if it is unknown, malformed or impossible.

    PatientAge is preferred (VR AS, such as 004Y or 018M; PS3.5, section 6.2). If it is missing, or a number without a
    unit, the dates are used, in completed years; a number without a unit and without dates is one of years.
    """
    age, has_unit = _parse_age(elements.text(dataset, "PatientAge"))
    if age is not None and has_unit:
        return age
    completed_years = _completed_years(dataset)
    return age if completed_years is None else float(completed_years)


def _parse_age(text: str) -> tuple[float | None, bool]:
    """(age in years or None, True if it has a unit)."""
    match = _AGE.fullmatch(text) if text.isascii() else None
    unit = match[2].upper() if match else ""
    if match is None or unit not in _UNITS:
        return None, False
    years = float(match[1].replace(",", ".")) * _DAYS_PER_UNIT[unit[:1] or "Y"] / _DAYS_PER_YEAR
    return (years if years <= MAX_AGE_YEARS else None), bool(unit)


def _completed_years(dataset: pydicom.Dataset) -> int | None:
    birth = _date(elements.text(dataset, "PatientBirthDate"))
    dates = [_date(elements.first_text(dataset, keyword)) for keyword in _FILM_DATES]
    ages = (_years_between(birth, date) for date in dates if birth is not None and date is not None)
    return next((age for age in ages if 0 <= age <= MAX_AGE_YEARS), None)


def _years_between(birth: datetime.date, date: datetime.date) -> int:
    """Completed years; negative if the birth is later."""
    return date.year - birth.year - ((date.month, date.day) < (birth.month, birth.day))


def _date(text: str) -> datetime.date | None:
    """A date as DICOM writes it (20200229), as ACR-NEMA did (2020.02.29), or as ISO 8601 does; a time may follow."""
    match = _DATE.match(text) if text.isascii() else None
    try:
        return datetime.date(*map(int, match.groups())) if match else None
    except ValueError:  # no day of the calendar
        return None
