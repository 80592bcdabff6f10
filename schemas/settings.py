"""Every setting of every process: read from the environment once, checked at start, frozen.

The one place in the program that reads the environment. `.env.example` and the README's table list the same names;
a test compares the three. A secret is a SecretStr: it never shows in a repr or a log.
"""

import re
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.rates import Rates, parse_rates

Environment = Literal["development", "production"]
Network = IPv4Network | IPv6Network
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._~-]+|\[[0-9a-f:]+\])(:[0-9]+)?")


class SettingsError(ValueError):
    """A setting is missing or wrong. The message names each variable and says what it wants."""


class Settings(BaseSettings):
    """What a process needs to know. Durations in seconds, sizes in the unit that the name says."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    environment: Environment = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    cors_origins: str = Field(default="", description="Comma separated origins; extension origins included.")
    trusted_proxies: str = Field(default="", description="Networks whose X-Forwarded-For is believed, comma separated.")
    rate_limits: str = Field(default="", description="See schemas/rates.")
    max_connections: int = Field(default=10_000, ge=1)
    max_watchers: int = Field(default=5000, ge=1)
    max_watchers_per_caller: int = Field(default=200, ge=1)
    metrics_port: int = Field(default=0, ge=0, le=65535, description="0: at /metrics alone, for this machine.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_replication_factor: int = Field(default=1, ge=1, le=9)
    mongodb_url: SecretStr = SecretStr("mongodb://127.0.0.1:27017")
    mongodb_database: str = "tidemark"
    s3_endpoint: str = "http://127.0.0.1:9000"
    s3_public_endpoint: str = Field(default="", description="As clients reach the object store; else S3_ENDPOINT.")
    s3_access_key: str = "tidemark"
    s3_secret_key: SecretStr = SecretStr("tidemark-development")
    s3_bucket: str = "tidemark"
    s3_region: str = "us-east-1"

    jwt_secret: SecretStr = SecretStr("")
    access_token_seconds: int = Field(default=3600, ge=60)
    refresh_token_seconds: int = Field(default=7 * 24 * 3600, ge=300)
    ticket_seconds: int = Field(default=60, ge=5, le=600)
    oidc_issuer: str = Field(default="", description="The outside issuer; none: only own accounts.")
    oidc_audience: str = ""
    oidc_authorized_parties: str = ""
    oidc_jwks_url: str = Field(default="", description="Else as the issuer's discovery document says.")
    oidc_clock_skew_seconds: int = Field(default=30, ge=0, le=300)
    audit_days: int = Field(default=90, ge=1, le=3650)

    max_upload_size_mb: int = Field(default=2048, ge=1)
    presigned_url_seconds: int = Field(default=3600, ge=60, le=7 * 24 * 3600)
    download_allowed_hosts: str = Field(default="", description="Comma separated: host, or host:port.")
    download_seconds: float = Field(default=7200, gt=0)
    download_idle_seconds: float = Field(default=30, gt=0)
    dev_routes_enabled: bool = False
    live_concurrency: int = Field(default=4, ge=1, le=64)
    live_idle_seconds: float = Field(default=120, ge=1)
    live_hours: float = Field(default=12, gt=0, le=23)
    resumable_upload_hours: float = Field(default=24, gt=0, le=30 * 24)

    max_queue_size: int = Field(default=10_000, ge=1, le=1_000_000)
    max_queue_size_per_caller: int = Field(default=1000, ge=1, le=1_000_000)
    max_awaited_uploads_per_caller: int = Field(default=1000, ge=1, le=1_000_000)
    abandoned_upload_minutes: int = Field(default=120, ge=1)
    reconcile_seconds: float = Field(default=600, ge=1)
    admin_user_ids: str = ""

    worker_concurrency: int = Field(default=2, ge=1, le=64)
    worker_metrics_port: int = Field(default=0, ge=0, le=65535, description="0: no metrics port.")
    lease_seconds: float = Field(default=8, ge=1)
    sweep_seconds: float = Field(default=2, ge=0.1)
    step_attempts: int = Field(default=3, ge=1, le=20)
    retry_delay_seconds: float = Field(default=2, ge=0)
    media_step_seconds: float = Field(default=1800, gt=0)
    media_memory_mb: int = Field(default=2048, ge=256)
    media_cpu_seconds: int = Field(default=7200, ge=1)
    media_decoded_gb: int = Field(default=8192, ge=1)
    media_output_gb: int = Field(default=8, ge=1)
    document_pages: int = Field(default=2000, ge=1, le=20_000)
    document_page_seconds: float = Field(default=60, gt=0)
    stage_failure_share: float = Field(default=0.5, gt=0, le=1)
    stage_probe_seconds: float = Field(default=60, gt=0)
    shutdown_grace_seconds: float = Field(default=20, ge=0)

    deepgram_api_key: SecretStr = SecretStr("")
    deepgram_base_url: str = "https://api.deepgram.com"
    deepgram_model: str = "nova-3"
    gemini_api_key: SecretStr = SecretStr("")
    gemini_base_url: str = "https://generativelanguage.googleapis.com"
    gemini_model: str = "gemini-2.5-flash"
    provider_timeout_seconds: float = Field(default=120, gt=0)
    speech_fallback: Literal["", "moonshine"] = ""
    analysis_fallback: Literal["", "extractive"] = ""

    @model_validator(mode="after")
    def _production_has_secrets(self) -> "Settings":
        secret = self.jwt_secret.get_secret_value()
        if secret and len(secret) < 32:
            raise ValueError("JWT_SECRET: at least 32 characters are needed; make one with `openssl rand -hex 32`")
        if self.environment == "production" and self.s3_secret_key.get_secret_value() == "tidemark-development":
            raise ValueError("S3_SECRET_KEY: the development default is not allowed in production")
        return self

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        for origin in _listed(text):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"«{origin}» is no origin: a scheme, a host and perhaps a port, in small letters")
        return text

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        networks_of(text)
        return text

    @field_validator("rate_limits")
    @classmethod
    def _are_rates(cls, text: str) -> str:
        parse_rates(text)
        return text

    @cached_property
    def trusted_networks(self) -> tuple[Network, ...]:
        """The networks of TRUSTED_PROXIES."""
        return networks_of(self.trusted_proxies)

    @property
    def rates(self) -> Rates:
        """The limit of each class of routes that has one."""
        return parse_rates(self.rate_limits)

    @model_validator(mode="after")
    def _outside_identity_is_whole(self) -> "Settings":
        if not self.oidc_issuer:
            return self
        if not (self.oidc_audience or self.oidc_authorized_parties):
            raise ValueError("OIDC_AUDIENCE: set it or OIDC_AUTHORIZED_PARTIES; else tokens for anybody would be taken")
        for name in ("oidc_issuer", "oidc_jwks_url"):
            scheme = urlsplit(getattr(self, name)).scheme
            if getattr(self, name) and scheme != "https" and (scheme != "http" or self.environment == "production"):
                raise ValueError(f"{name.upper()}: an https address is needed")
        return self

    @property
    def authorized_parties(self) -> tuple[str, ...]:
        """The clients of OIDC_AUTHORIZED_PARTIES."""
        return _listed(self.oidc_authorized_parties)

    @field_validator("download_allowed_hosts")
    @classmethod
    def _hosts_can_be_read(cls, hosts: str) -> str:
        allowed_hosts(hosts)
        return hosts

    @property
    def download_allowed(self) -> frozenset[tuple[str, int | None]]:
        """The hosts of DOWNLOAD_ALLOWED_HOSTS with their ports; None: those of http and https."""
        return allowed_hosts(self.download_allowed_hosts)

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload that is accepted, in bytes."""
        return self.max_upload_size_mb * 1024 * 1024

    @property
    def admin_ids(self) -> frozenset[str]:
        """The accounts of ADMIN_USER_IDS."""
        return frozenset(_listed(self.admin_user_ids))

    @property
    def cors_origin_list(self) -> tuple[str, ...]:
        """The origins of CORS_ORIGINS, without blanks."""
        return _listed(self.cors_origins)


def _listed(text: str) -> tuple[str, ...]:
    """What stands between commas, without blanks."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks that are named, comma separated; an address alone is one of its own. Raises ValueError."""
    return tuple(ip_network(part) for part in _listed(text))


def allowed_hosts(hosts: str) -> frozenset[tuple[str, int | None]]:
    """Hosts with their ports out of a list with commas. Raises ValueError, which names the entry."""
    entries = [entry.strip().lower() for entry in hosts.split(",") if entry.strip()]
    return frozenset(_host_and_port(entry) for entry in entries)


def _host_and_port(entry: str) -> tuple[str, int | None]:
    try:
        address = urlsplit(f"//{entry}")
        host, port = address.hostname, address.port
    except ValueError as error:
        raise ValueError(f"«{entry}» is neither a host nor host:port") from error
    if not host or address.netloc != entry or "@" in entry:
        raise ValueError(f"«{entry}» is neither a host nor host:port")
    return host, port


def load_settings(**given: str) -> Settings:
    """Reads the environment; what is given goes before it. Raises SettingsError with one line a wrong variable."""
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem) for problem in error.errors())) from error


def _explain(problem: object) -> str:
    assert isinstance(problem, dict)
    name = "".join(str(part) for part in problem["loc"]).upper()
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message
