"""The bounds of the document room: how large and how long a hostile file can make anything."""

MAX_SHEET_SIDE = 1600
"""Pixels of the longer side of a page's picture, whatever size the page says that it has."""

POSTER_SIDE = 640

MAX_PAGE_LETTERS = 100_000
"""Letters of one page: a full page of a newspaper has 20,000. The rest of it is left out."""

MAX_LETTERS = 5_000_000
"""Letters of a document, as two thousand pages of a book have. Offline, four million take a worker 25 s and 260 MB."""

MAX_SHEET_BYTES = 16 * 1024 * 1024
"""Bytes of a picture: more than the largest can take in the quality that they have."""
