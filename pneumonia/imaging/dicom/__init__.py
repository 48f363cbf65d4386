"""DICOM files: reader, header, VOI transformation, and decoders in processes of their own."""
