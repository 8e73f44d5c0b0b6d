"""Static files as they are collected for the panel, which has no files of Django's admin."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class WithoutAdmin(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Addresses of the admin's files are written as they are: nobody loads them here."""

    def stored_name(self, name: str) -> str:
        return name if name.startswith("admin/") else super().stored_name(name)
