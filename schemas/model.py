"""The two bases every type of the contract is made from."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value. Unknown fields are refused: a typing error in a document is found at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(BaseModel):
    """A mutable document. Unknown fields are ignored, so that an older process can read a newer one's."""

    model_config = ConfigDict(extra="ignore", validate_assignment=False)
