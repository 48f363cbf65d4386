"""Atomic writes, locks between processes, temporary folders of one process, and names of files.

The same on Linux, macOS and Windows; the modules say where these systems differ.
"""

from .atomic import (
    MAX_NAME_BYTES,
    atomic_path,
    atomic_write,
    delete_file,
    is_disk_full,
    last_change,
    rename_file,
    sync_folder,
    sync_to_disk,
    temporary_path,
    walk_bottom_up,
)
from .locks import exclusive_lock
from .portable_names import portable_name
from .process_tempdir import ProcessTempdir, delete_tree

__all__ = [
    "MAX_NAME_BYTES",
    "ProcessTempdir",
    "atomic_path",
    "atomic_write",
    "delete_file",
    "delete_tree",
    "exclusive_lock",
    "is_disk_full",
    "last_change",
    "portable_name",
    "rename_file",
    "sync_folder",
    "sync_to_disk",
    "temporary_path",
    "walk_bottom_up",
]
