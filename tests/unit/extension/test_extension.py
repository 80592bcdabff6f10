"""The extension as it lies there: what it may do, that it is whole, and its logic, which Node runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

PROJECT = Path(__file__).parents[3]
EXTENSION = PROJECT / "extension"
MANIFEST = json.loads((EXTENSION / "manifest.json").read_text())


def test_it_asks_for_no_more_than_it_needs() -> None:
    assert MANIFEST["manifest_version"] == 3
    assert set(MANIFEST["permissions"]) == {"alarms", "offscreen", "storage", "unlimitedStorage"}
    assert not MANIFEST.keys() & {"host_permissions", "content_scripts", "externally_connectable"}
    assert "unsafe" not in MANIFEST["content_security_policy"]["extension_pages"]


def test_uploads_are_resumed_as_the_pages_do_it() -> None:
    """An extension cannot import what lies outside of its folder."""
    assert (EXTENSION / "tus.js").read_bytes() == (PROJECT / "web" / "tus.js").read_bytes()


@pytest.mark.parametrize("size", MANIFEST["icons"])
def test_icons_are_as_large_as_they_say(size: str) -> None:
    file = EXTENSION / MANIFEST["icons"][size]
    with Image.open(file) as icon:
        assert icon.size == (int(size), int(size))
    assert file.stat().st_size < 5000


@pytest.mark.parametrize("page", sorted(EXTENSION.glob("*.html")), ids=lambda page: page.name)
def test_pages_hold_neither_scripts_nor_styles_and_ask_nobody_else(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon[a-z]+=|https?://(?!tidemark\.example)", text)
    for name in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert (EXTENSION / name).is_file(), name


@pytest.mark.parametrize("module", sorted(EXTENSION.glob("*.js")), ids=lambda module: module.name)
def test_modules_import_only_what_lies_beside_them(module: Path) -> None:
    for name in re.findall(r'^import .* from "([^"]+)";$', module.read_text(), re.MULTILINE):
        assert (EXTENSION / name).is_file(), name


@pytest.mark.parametrize("test", sorted(Path(__file__).parent.glob("*.test.mjs")), ids=lambda test: test.name)
def test_logic(test: Path) -> None:
    node = Path(sys.executable).with_name("node")
    ran = subprocess.run([node, "--test", test], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
