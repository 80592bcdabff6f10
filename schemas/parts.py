"""How an upload is cut into parts."""

from schemas.model import Frozen


class Parts(Frozen):
    """How an upload is cut: every part has `part_size` bytes but the last, which has the rest. `upload_id` is S3's."""

    upload_id: str
    part_size: int

    def count(self, size_bytes: int) -> int:
        """How many parts so many bytes are."""
        return -(-size_bytes // self.part_size)

    def size_of(self, number: int, size_bytes: int) -> int:
        """How many bytes the part of that number has."""
        return min(self.part_size, size_bytes - (number - 1) * self.part_size)
