"""The result of one film for its readers: sentences, reading guide, PDF report, DICOM objects and FHIR bundle."""
