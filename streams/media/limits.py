"""The bounds of the media room: how large, how long and how many a hostile file can make anything."""

MAX_PIXELS = 8192 * 4320
"""Pixels of a source picture. Beyond it the file is refused before anything of that size is allocated."""

MAX_OUTPUT_PIXELS = 3840 * 2160
"""Pixels of a rendered picture: an encoder holds dozens of them. A larger source is scaled down or copied."""

MAX_DURATION = 12 * 3600.0
"""Seconds of a recording."""

MAX_GAP = 600.0
"""Seconds without anything in any stream that are still believed. A longer jump of the clock is taken out."""

MAX_STEP_BACK = 10.0
"""Seconds by which a stream may step back. A longer step means that its clock was started again: it then continues."""

MAX_THUMBNAILS = 100
MAX_SCENES = 500

READ_TIMEOUT = 30.0
"""Seconds that one read from the source may take."""
