"""Where the bytes of files live."""

from packslip.storage.factory import open_storage
from packslip.storage.protocol import Storage

__all__ = ["Storage", "open_storage"]
