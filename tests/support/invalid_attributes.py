"""Invalid attributes of a film's header, and what results have instead."""

from __future__ import annotations

from typing import Any

INVALID: dict[str, tuple[dict[str, Any], str, Any]] = {
    "an impossible date": ({"StudyDate": "20230230"}, "StudyDate", None),
    "a date with points": ({"StudyDate": "2023.01.05"}, "StudyDate", "20230105"),
    "a text as a date": ({"PatientBirthDate": "unknown"}, "PatientBirthDate", None),
    "a time with colons": ({"StudyTime": "10:11:12.5"}, "StudyTime", "101112.5"),
    "an impossible time": ({"StudyTime": "256199"}, "StudyTime", None),
    "a date and time": (
        {"AcquisitionDateTime": "20230105101112.25+0100"},
        "AcquisitionDateTime",
        "20230105101112.25+0100",
    ),
    "a malformed date and time": ({"AcquisitionDateTime": "20231305"}, "AcquisitionDateTime", None),
    "sex in words": ({"PatientSex": "Female"}, "PatientSex", "F"),
    "an unknown sex": ({"PatientSex": "X"}, "PatientSex", None),
    "an age without unit": ({"PatientAge": "42"}, "PatientAge", None),
    "a long accession number": ({"AccessionNumber": "A" * 40}, "AccessionNumber", "A" * 40),
    "a long description": ({"StudyDescription": "d" * 100}, "StudyDescription", "d" * 64),
    "a long name": ({"PatientName": "N" * 90 + "^A"}, "PatientName", "N" * 64),
    "two names": ({"PatientName": "Doe^Jane\\Roe^Mary"}, "PatientName", "Doe^Jane"),
    "a name of six components": ({"PatientName": "A^B^C^D^E^F"}, "PatientName", "A^B^C^D^E"),
    "a blank name": ({"PatientName": " ^ "}, "PatientName", None),
    "line breaks": ({"PatientName": "Doe\r\n^Jane\t"}, "PatientName", "Doe ^Jane"),
    "a code in lower case": ({"BodyPartExamined": "chest"}, "BodyPartExamined", "CHEST"),
    "a code with other signs": ({"BodyPartExamined": "Thorax a.p."}, "BodyPartExamined", None),
    "many digits": ({"PixelSpacing": ["0.14300000000000001", "0.143"]}, "PixelSpacing", [0.143, 0.143]),
    "a wrong side": ({"Laterality": "B"}, "Laterality", None),
    "a zone": ({"TimezoneOffsetFromUTC": "+0530"}, "TimezoneOffsetFromUTC", "+0530"),
    "a zone in words": ({"TimezoneOffsetFromUTC": "CET"}, "TimezoneOffsetFromUTC", None),
    "an order number": ({"InstanceNumber": "1.5"}, "InstanceNumber", None),
}
