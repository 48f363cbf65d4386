"""The result for a film as a Bundle of HL7 FHIR R4 (4.0.1), after HL7's guide "DICOM SR to FHIR Resource Mapping"."""
