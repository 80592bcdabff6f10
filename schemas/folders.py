"""Courses and projects: the same underneath, a folder that recordings belong to by their `project_id`.

A folder's id is chosen by its owner, or made; it is scoped to that owner, and courses and projects share these ids. One
that has no document of its own is there as soon as something is in it, and is listed as either.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.holds import Hold
from schemas.model import Document, Frozen
from schemas.requests import PROJECT_ID, Request, Sought, SoughtTag, Tags, Title, plain

MOST_FOLDERS = 1000
"""How many courses and projects of their own an account may have."""
MOST_SECTIONS = 200


class FolderKind(StrEnum):
    """What a folder is to its owner."""

    COURSE = "course"
    PROJECT = "project"


class Section(Frozen):
    """A part of a folder. `position` counts from 0."""

    id: str
    title: str
    position: int = Field(ge=0)


class Folder(Document):
    """A folder's document. `id` is "owner/folder_id" (see `key`). Without a kind it is whatever it is asked for as."""

    id: str
    owner_id: str
    folder_id: str
    kind: FolderKind | None
    title: str
    description: str = ""
    tags: list[str] = Field(default_factory=list)
    sections: list[Section] = Field(default_factory=list)
    hold: Hold | None = None
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def key(owner_id: str, folder_id: str) -> str:
        """The id of the document: the same for a course and a project of that id."""
        return f"{owner_id}/{folder_id}"


def _lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.splitlines()).strip()


Description = Annotated[str, Field(max_length=5000), AfterValidator(_lines)]
FolderId = Annotated[str, Field(pattern=PROJECT_ID, examples=["biology-101"])]


class SectionWish(Request):
    """A section as it is wanted: with the id of one that is there, which it keeps, or without for a new one."""

    id: str | None = Field(default=None, pattern=PROJECT_ID)
    title: Title


Sections = Annotated[tuple[SectionWish, ...], Field(max_length=MOST_SECTIONS)]


class FolderNew(Request):
    """A new course or project. Without an id one is made."""

    id: FolderId | None = None
    title: Title = Field(examples=["Biology 101"])
    description: Description = ""
    tags: Tags = ()
    sections: Sections = ()


class FolderChange(Request):
    """What of a course or project is to be another. What is left out stays; `sections` are all of them, in order."""

    title: Title | None = None
    description: Description | None = None
    tags: Tags | None = None
    sections: Sections | None = None


class FolderQuery(Request):
    """Which courses or projects to list."""

    limit: int = Field(default=20, ge=1, le=100, description="How many at most.")
    cursor: str | None = Field(
        default=None, pattern=r"^[0-9]{1,15}\.[A-Za-z0-9._-]{1,64}$", description="The next_cursor of a list."
    )
    q: Sought | None = Field(default=None, description="Part of the title, in any case.")
    tag: SoughtTag | None = Field(default=None, description="With this tag.")


class FolderRemoval(Request):
    """What becomes of what is in there; without a word only an empty one is deleted."""

    contents: Literal["delete", "keep"] | None = Field(
        default=None, description="Delete what is in there as well, or keep it outside of it."
    )


class SectionView(Section):
    """A section, and how much is in it."""

    items: int


class FolderItem(Frozen):
    """A course or project in a list, and how much is in it. `on_hold`: nothing in it can be deleted."""

    id: str
    kind: FolderKind
    title: str
    description: str
    tags: tuple[str, ...]
    items: int
    size_bytes: int = Field(description="Of all that was uploaded into it and is still there.")
    duration_seconds: float
    on_hold: bool
    created_at: datetime
    updated_at: datetime


class FolderView(FolderItem):
    """A course or project with its sections."""

    sections: tuple[SectionView, ...]


class FolderList(Frozen):
    """A page of courses or projects, newest first. `next_cursor` is None on the last page."""

    items: tuple[FolderItem, ...]
    next_cursor: str | None = None


class FolderGone(Frozen):
    """What a deletion did with what was in there."""

    id: str
    deleted: int
    kept: int
