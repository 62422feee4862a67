"""Chosen members of a zip archive, from a server or from disk, each verified: whatever interrupts it."""

from __future__ import annotations

from mono2stereo.data.download.archive import is_complete, note_complete
from mono2stereo.data.download.fetch import archive_of, extract, fetch

__all__ = ["archive_of", "extract", "fetch", "is_complete", "note_complete"]
