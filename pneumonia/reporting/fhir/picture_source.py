"""The source of a film that is no DICOM object: a picture without patient, study and order."""

from __future__ import annotations

import hashlib

from pydicom import Dataset

from ..dicom.source import SourceInstance
from ..dicom.uids import result_uid


def picture_source(data: bytes, uid_root: str) -> SourceInstance:
    """A source that belongs to no study; its SOP Instance UID is made from the content of the file."""
    header = Dataset()
    header.SOPInstanceUID = result_uid(uid_root, "picture", hashlib.sha256(data).hexdigest())
    header.StudyInstanceUID = header.SeriesInstanceUID = header.SOPClassUID = ""
    return SourceInstance(header)


def is_picture(source: SourceInstance) -> bool:
    """Whether the source belongs to no study."""
    return not source.study_instance_uid
