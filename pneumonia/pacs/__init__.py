"""DICOM network service: receives films, predicts them, delivers result objects. Needs the extra `hospital`."""
