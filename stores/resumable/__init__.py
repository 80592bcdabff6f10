"""Uploads that can be resumed: what has come of each, how it lies in the object store, and how it becomes an object.

`arrival` is the state and its rules, `arrivals` keeps it in documents, `assembly` moves the bytes, `following` reads
those of a live one while they come.
"""

from stores.resumable.arrival import Arrival, Gone, Held, Moved, Part, Piece, Stored
from stores.resumable.arrivals import Arrivals
from stores.resumable.assembly import Assembly
from stores.resumable.following import Following

__all__ = ["Arrival", "Arrivals", "Assembly", "Following", "Gone", "Held", "Moved", "Part", "Piece", "Stored"]
