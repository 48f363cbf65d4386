"""Results of one film as DICOM objects: structured report, secondary capture, presentation state, encapsulated PDF.

The objects are built by highdicom, which is part of the extra `hospital`. `options` and `uids` need no extra library.
"""
