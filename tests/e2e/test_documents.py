"""A document goes in as a form; its pages come out with pictures, and analyses that cite them."""

import aiohttp

from tests.e2e.watching import ended
from tests.media import pdf

PAGES = (
    "Photosynthesis turns light into sugar. Plants do it in their leaves.\nPlease water the plants by Friday.",
    "The mitochondria are the power house of the cell. This is a wonderful result.",
    "Photosynthesis needs light and water. The leaves of plants hold chlorophyll.",
)


async def sent(client, content: bytes) -> dict:
    form = aiohttp.FormData()
    form.add_field("file", content, filename="plants.pdf", content_type="application/pdf")
    form.add_field("course_id", "botany")
    return await client.post_form("/api/documents/upload", form)


async def test_a_document_is_read_and_analysed_citing_its_pages(client, tmp_path):
    accepted = await sent(client, pdf.document(PAGES, language="en"))
    states = await ended(client, accepted["job_id"])
    assert states[-1]["status"] == "completed", states[-1]
    assert [step["name"] for step in states[-1]["steps"]] == ["pages", "analyse"]
    document = await client.call("GET", f"/api/v1/documents/{accepted['id']}")
    assert (document["status"], document["pages"], document["course_id"]) == ("completed", 3, "botany")
    page = await client.call("GET", f"/api/v1/documents/{accepted['id']}/pages/2")
    assert page["text"] == PAGES[1]
    await client.save(page["image_url"], tmp_path / "page.jpg")
    assert (tmp_path / "page.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    analyses = document["analyses"]
    assert {citation["page"] for citation in analyses["summary"]["citations"]} <= {1, 2, 3}
    assert analyses["summary"]["citations"]
    (item,) = analyses["action_items"]["items"]
    assert (item["page"], item["at"], item["due"]) == (1, None, "by Friday")
    assert [span["first_page"] for span in analyses["sentiment"]["timeline"]] == [1, 2, 3]
    again = await sent(client, pdf.document(PAGES, language="en"))
    assert (again["id"], again["status"], again["duplicate"]) == (accepted["id"], "completed", True)


async def test_a_locked_document_fails_and_says_why(client):
    accepted = await sent(client, pdf.encrypted("sesame"))
    states = await ended(client, accepted["job_id"])
    assert states[-1]["status"] == "failed"
    document = await client.call("GET", f"/api/v1/documents/{accepted['id']}")
    assert (document["status"], document["error"]["code"]) == ("failed", "document_encrypted")
