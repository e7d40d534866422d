"""Settings of what is kept of the past, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from packslip import setting_values
from packslip.setting_values import Setting


@dataclass(frozen=True)
class KeepingSettings:
    """What is kept."""

    #: A storage in which downloads are archived; empty when they are not.
    downloads_archive: str
    #: Days for which each is kept; None for ever.
    keep_downloads: int | None
    keep_events: int | None
    keep_drafts: int | None


KEEPING_SETTINGS = (
    Setting(
        "downloads_archive",
        "",
        "Where single downloads are written as Parquet once their day is over: `file:///…` or "
        "`s3://bucket/prefix`. Empty: nowhere.",
        setting_values.storage_url,
    ),
    Setting(
        "keep_downloads",
        "",
        "Days after which records of downloads go; their sums stay. Empty: none go.",
        setting_values.days(1),
    ),
    Setting(
        "keep_events",
        "",
        "Days after which `packslip gc` removes events, 31 or more. Empty: it removes none.",
        # The database itself refuses to remove younger ones.
        setting_values.days(31),
    ),
    Setting(
        "keep_drafts",
        "",
        "Days after which `packslip gc` removes drafts of notes that nobody went on with. Empty: "
        "it removes none.",
        setting_values.days(1),
    ),
)
