"""What is kept and for how long: holds, which nothing deletes beyond, and rules by which old media goes."""

from datetime import datetime

from schemas.model import Frozen


class Hold(Frozen):
    """An administrator's word that nothing of this is deleted until the hold is lifted."""

    reason: str
    by: str
    at: datetime
