"""The pages /docs and /redoc: Swagger UI and Redoc, served from an installed package, so they need no network.

The pages carry no script and no style of their own: a Content-Security-Policy forbids whatever does not come from here.
Redoc makes its styles while it runs; a nonce that is new with every page lets those in and no others.
"""

import importlib.util
import secrets
from functools import cache
from pathlib import Path

from aiohttp import hdrs, web

from schemas.release import release

_PACKAGE = "drf_spectacular_sidecar"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_CHANGED = {
    # a picture that Redoc would fetch from its makers
    b"https://cdn.redoc.ly/redoc/logo-mini.svg": b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E",
    # the nonce of its styles, some of which it makes before it can be told one
    b"r.nc=void 0": b"r.nc=document.currentScript.nonce",
}
"""What is changed in Redoc's script, so that it works under the policy."""
_FILES = {
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
}
_SCRIPTS = {
    "start-swagger.js": """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#page",
  validatorUrl: null,
  deepLinking: true,
  persistAuthorization: false,
});
""",
    "start-redoc.js": """Redoc.init("/openapi.json", { hideLoading: true }, document.getElementById("page"));
""",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidemark API</title>
{head}
</head>
<body>
<div id="page"></div>
{scripts}
</body>
</html>
"""
SWAGGER = _PAGE.format(
    head='<link rel="stylesheet" href="/docs/assets/swagger-ui.css?VERSION">',
    scripts="""<script src="/docs/assets/swagger-ui.js?VERSION"></script>
<script src="/docs/assets/start-swagger.js?VERSION"></script>""",
)
REDOC = _PAGE.format(
    head="",
    scripts="""<script src="/docs/assets/redoc.js?VERSION" nonce="NONCE"></script>
<script src="/docs/assets/start-redoc.js?VERSION"></script>""",
)


def page(html: str) -> web.Response:
    """A page, under its policy."""
    nonce = secrets.token_urlsafe(16)
    text = html.replace("VERSION", release()).replace("NONCE", nonce)
    return web.Response(
        text=text, content_type="text/html", headers={"Content-Security-Policy": _CSP.format(nonce=nonce)}
    )


def asset(name: str) -> web.StreamResponse | None:
    """A file that the pages load; None for any other name."""
    headers = {hdrs.CACHE_CONTROL: "public, max-age=86400"}
    if name in _SCRIPTS:
        return web.Response(text=_SCRIPTS[name], content_type="text/javascript", headers=headers)
    if name == "redoc.js":
        return web.Response(body=_redoc(), content_type="text/javascript", headers=headers)
    if name in _FILES:
        return web.FileResponse(_static() / _FILES[name], headers=headers)
    return None


@cache
def _redoc() -> bytes:
    """Redoc's script, as it works under the policy."""
    script = (_static() / "redoc" / "bundles" / "redoc.standalone.js").read_bytes()
    for found, wanted in _CHANGED.items():
        script = script.replace(found, wanted)
    return script


def _static() -> Path:
    """Where the package's files are. It is not imported: it would want the framework that it was made for."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {_PACKAGE} is not installed")
    return Path(found.submodule_search_locations[0]) / "static" / _PACKAGE
