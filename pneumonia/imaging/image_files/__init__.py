"""Image files (PNG, JPEG, TIFF, WebP, BMP, PGM and others) and opened images -> `Radiograph`."""
