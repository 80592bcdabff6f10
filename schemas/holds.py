"""Holds: what is on hold is deleted by nobody until an administrator has lifted it."""

from datetime import datetime

from schemas.model import Frozen


class Hold(Frozen):
    """An administrator's word that nothing of this is deleted: why, whose, and since when."""

    reason: str
    by: str
    at: datetime
