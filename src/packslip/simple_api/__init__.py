"""The Simple API as data: what a page holds, how it is negotiated and written."""
