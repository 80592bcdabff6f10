"""Settings: one list of names in code, .env.example and README; checked at start; secrets kept to themselves."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from schemas.settings import Settings, SettingsError, load_settings

PROJECT = Path(__file__).resolve().parents[3]
SECRET = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}
LONG_ENOUGH = "k" * 32


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def default(name):
    value = Settings.model_fields[name].default
    if isinstance(value, bool):
        return str(value).lower()
    return "" if name in SECRET else f"{value:g}" if isinstance(value, float) else str(value)


DEFAULTS = {name.upper(): default(name) for name in Settings.model_fields}


def test_env_example_names_every_setting_with_its_default():
    lines = (PROJECT / ".env.example").read_text().split("## Of docker-compose.yml alone")[0].splitlines()
    assert dict(line.split("=", 1) for line in lines if line and line[0] != "#") == DEFAULTS


def test_env_example_explains_every_variable_in_the_line_before():
    lines = (PROJECT / ".env.example").read_text().splitlines()
    variables = [at for at, line in enumerate(lines) if re.match(r"[A-Z0-9_]+=", line)]
    assert [lines[at] for at in variables if not lines[at - 1].startswith("# ")] == []


def test_readme_lists_every_setting_with_its_default():
    table = re.search(r"<!-- settings -->(.*?)<!-- /settings -->", (PROJECT / "README.md").read_text(), re.DOTALL)
    assert table is not None
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \|(?: `(.+?)`)? +\| .+ \|$", table[1], re.MULTILINE)
    assert dict(rows) == DEFAULTS


def test_env_example_is_itself_accepted(monkeypatch):
    for line in (PROJECT / ".env.example").read_text().splitlines():
        if line and line[0] != "#":
            monkeypatch.setenv(*line.split("=", 1))
    assert load_settings() == Settings()


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


@pytest.mark.parametrize("name", sorted(SECRET))
def test_a_secret_is_not_shown(name, monkeypatch):
    monkeypatch.setenv(name.upper(), "x-marks-the-spot-x-marks-the-spot")
    settings = load_settings()
    assert "x-marks" in getattr(settings, name).get_secret_value()
    assert "x-marks" not in repr(settings) + str(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("LOG_LEVEL", "loud"), ("LEASE_SECONDS", "0"), ("WORKER_CONCURRENCY", "-1")],
)
def test_a_wrong_variable_is_named(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"^{name}: "):
        load_settings()


def test_every_wrong_variable_is_named(monkeypatch):
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("S3_ENDPOINT", "")
    monkeypatch.setenv("STEP_ATTEMPTS", "many")
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert [line.split(":")[0] for line in str(refusal.value).splitlines()] == ["PORT", "STEP_ATTEMPTS"]


def test_a_wrong_secret_is_named_and_not_shown(monkeypatch):
    monkeypatch.setenv("JWT_SECRET", "too-short")
    with pytest.raises(SettingsError, match=r"^JWT_SECRET: at least 32") as refusal:
        load_settings()
    assert "too-short" not in str(refusal.value)


@pytest.mark.parametrize("given", ["", "tidemark-development"])
def test_production_refuses_the_secrets_of_development(given, monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("JWT_SECRET", LONG_ENOUGH)
    monkeypatch.setenv("S3_SECRET_KEY", given)
    with pytest.raises(SettingsError, match=r"^S3_SECRET_KEY: the development default"):
        load_settings()


def test_production_starts_with_secrets_of_its_own(monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("JWT_SECRET", LONG_ENOUGH)
    monkeypatch.setenv("S3_SECRET_KEY", LONG_ENOUGH)
    assert load_settings().environment == "production"


def test_origins_are_split_and_blanks_dropped(monkeypatch):
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, ,chrome-extension://abc")
    assert load_settings().cors_origin_list == ("https://a.example", "chrome-extension://abc")


@pytest.mark.parametrize(
    "origins", ["*", "https://a.example/", "a.example", "https://a.example/x", "https://A.example"]
)
def test_what_is_no_origin_is_refused_at_start(origins, monkeypatch):
    monkeypatch.setenv("CORS_ORIGINS", f"https://b.example:8443,{origins}")
    with pytest.raises(SettingsError, match=r"^CORS_ORIGINS: «"):
        load_settings()


def test_hosts_that_may_be_downloaded_from_are_read_with_their_ports():
    hosts = Settings(download_allowed_hosts="Media.local, 127.0.0.1:8080,[::1]:9000 ,").download_allowed
    assert hosts == {("media.local", None), ("127.0.0.1", 8080), ("::1", 9000)}


@pytest.mark.parametrize(
    "entry", ["http://media.local", "media.local/path", "a@b", "host:port", "host:99999", ":80", "[::1"]
)
def test_a_host_that_cannot_be_one_is_named(entry, monkeypatch):
    monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", f"fine.local,{entry}")
    with pytest.raises(SettingsError, match=r"^DOWNLOAD_ALLOWED_HOSTS: ") as refusal:
        load_settings()
    assert entry in str(refusal.value)
