"""The one request of the study-material generator's clients: a file, and what they want made of it."""

from aiohttp import web

from api.forms import Incoming, incoming
from api.intake import accept, expect_media
from api.keys import ADMISSION, CALLER, SETTINGS
from api.problems import wrong_field
from api.receiving import announced_form, expect_length, kept_whole, noted, receive
from schemas.materials import Material, read_materials
from schemas.requests import plain
from schemas.responses import Accepted
from stores.signatures import HEAD_BYTES

_MATERIALS = "material_types"


async def process(request: web.Request) -> Accepted:
    """Stores the form's `file` and starts its processing. `material_types` are what is wanted: all, if none is named.

    They may be several fields, one with commas or a JSON array, before the file or behind it.
    """
    expect_length(request)
    admission, caller = request.app[ADMISSION], request[CALLER]
    with admission.form(caller):
        async with admission.place(caller):
            return await _take_in(request)


async def _take_in(request: web.Request) -> Accepted:
    file = await incoming(request, "file", request.app[SETTINGS].max_upload_bytes)
    _wanted(file)  # an unknown one is told before the file has come, if it can be
    announced = announced_form(request[CALLER], file.filename, expect_media(await file.head(HEAD_BYTES)))
    async with kept_whole(request.app, announced):
        await receive(request.app, file, announced)
        await file.rest()
        fields = {"size_bytes": file.size_bytes, _MATERIALS: [material.value for material in _wanted(file)]}
        recording = await noted(request.app, announced, fields)
    job = await accept(request.app, recording)
    return Accepted(id=recording.id, job_id=job.id)


def _wanted(file: Incoming) -> tuple[Material, ...]:
    try:
        return read_materials(file.fields.getall(_MATERIALS, [])) or tuple(Material)
    except ValueError as error:
        raise wrong_field(_MATERIALS, plain(str(error))) from error
