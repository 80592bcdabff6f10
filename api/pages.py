"""The pages /docs and /redoc: Swagger UI and Redoc, served from an installed package, so they need no network.

The pages carry no script of their own: a strict Content-Security-Policy forbids whatever does not come from here.
"""

import importlib.util
from pathlib import Path

from aiohttp import hdrs, web

_PACKAGE = "drf_spectacular_sidecar"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_FILES = {
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "redoc.js": "redoc/bundles/redoc.standalone.js",
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
    head='<link rel="stylesheet" href="/docs/assets/swagger-ui.css">',
    scripts='<script src="/docs/assets/swagger-ui.js"></script>\n<script src="/docs/assets/start-swagger.js"></script>',
)
REDOC = _PAGE.format(
    head="",
    scripts='<script src="/docs/assets/redoc.js"></script>\n<script src="/docs/assets/start-redoc.js"></script>',
)


def page(html: str) -> web.Response:
    """A page, under its policy."""
    return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": _CSP})


def asset(name: str) -> web.StreamResponse | None:
    """A file that the pages load; None for any other name."""
    headers = {hdrs.CACHE_CONTROL: "public, max-age=86400"}
    if name in _SCRIPTS:
        return web.Response(text=_SCRIPTS[name], content_type="text/javascript", headers=headers)
    if name in _FILES:
        return web.FileResponse(_static() / _FILES[name], headers=headers)
    return None


def _static() -> Path:
    """Where the package's files are. It is not imported: it would want the framework that it was made for."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {_PACKAGE} is not installed")
    return Path(found.submodule_search_locations[0]) / "static" / _PACKAGE
