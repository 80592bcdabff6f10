"""The pages' scripts: what is changed in them is there to be changed."""

from aiohttp import web

from api import pages


def test_what_is_changed_in_redoc_is_there_once() -> None:
    original = (pages._static() / "redoc" / "bundles" / "redoc.standalone.js").read_bytes()
    served = pages.asset("redoc.js")
    assert isinstance(served, web.Response)
    assert isinstance(served.body, bytes)
    for found, wanted in pages._CHANGED.items():
        assert original.count(found) == 1
        assert found not in served.body
        assert wanted in served.body


def test_a_page_has_nothing_of_its_own_to_run() -> None:
    for html in (pages.SWAGGER, pages.REDOC):
        assert "<script>" not in html
        assert "<style" not in html
        assert "style=" not in html
