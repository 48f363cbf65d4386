"""DICOM files: reader, header checks, VOI transformation, and decoders of compressed frames in separate processes."""
