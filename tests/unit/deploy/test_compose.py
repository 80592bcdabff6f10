"""docker-compose.yml: whole, closed to the outside, and without a secret of its own."""

import re

import pytest
from pydantic import SecretStr

from schemas.settings import Settings, load_settings
from streams.stages import STAGES
from tests.unit.deploy.compose import OWN, PROJECT, compose, environment, example, filled, services, variables

SETTINGS = {name.upper(): field for name, field in Settings.model_fields.items()}
SECRETS = {
    "JWT_SECRET": "j" * 32,
    "S3_SECRET_KEY": "s" * 32,
    "MONGODB_PASSWORD": "m" * 32,
    "MONGODB_ROOT_PASSWORD": "r" * 32,
    "GRAFANA_ADMIN_PASSWORD": "g" * 32,
    "DEEPGRAM_API_KEY": "d" * 32,
}
OF_IMAGES = {
    "mongo": {"MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_PASSWORD", "MONGODB_DATABASE", "MONGODB_PASSWORD"},
    "minio": {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_BROWSER", "MINIO_API_STALE_UPLOADS_EXPIRY"},
    "grafana": {
        "GF_SECURITY_ADMIN_USER",
        "GF_SECURITY_ADMIN_PASSWORD",
        "GF_USERS_ALLOW_SIGN_UP",
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
    },
    "console": {"KAFKA_CLUSTERS_0_NAME", "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS", "KAFKA_CLUSTERS_0_READONLY"},
    "kafka": {
        "KAFKA_HEAP_OPTS",
        "KAFKA_NODE_ID",
        "KAFKA_PROCESS_ROLES",
        "KAFKA_CONTROLLER_QUORUM_VOTERS",
        "KAFKA_CONTROLLER_LISTENER_NAMES",
        "KAFKA_INTER_BROKER_LISTENER_NAME",
        "KAFKA_LISTENERS",
        "KAFKA_ADVERTISED_LISTENERS",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
        "KAFKA_LOG_DIRS",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR",
    },
}


def test_every_stage_has_a_worker_of_its_own():
    commands = [service["command"] for service in services().values() if service.get("command", [""])[0] == "worker"]
    assert sorted(commands) == sorted(["worker", stage] for stage in STAGES)


@pytest.mark.parametrize("name", services())
def test_a_service_is_watched_or_runs_once(name):
    service = services()[name]
    once = service["restart"] == "no"
    assert once or ("healthcheck" in service and service["restart"] == "unless-stopped")


def test_everything_of_ours_starts_once_the_stores_are_prepared():
    prepared = {name: services()[name]["depends_on"] for name in OWN if name != "topics"}
    assert all(wait == {"topics": {"condition": "service_completed_successfully"}} for wait in prepared.values())
    assert set(services()["topics"]["depends_on"]) == {"kafka", "mongo", "minio"}


@pytest.mark.parametrize("name", OWN)
def test_our_processes_can_do_little_beyond_their_work(name):
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "mem_limit" in service


def test_decoders_reach_the_stores_and_nothing_beyond():
    assert compose()["networks"]["inside"] == {"internal": True}
    assert all(
        services()[name]["networks"] == ["inside"]
        for name in ("audio", "render", "scenes", "pages", "export", "kafka", "mongo")
    )


def test_only_the_api_and_uploads_are_published_and_on_loopback_at_first():
    published = {name: port for name, service in services().items() for port in service.get("ports", ())}
    assert all(filled(port, {}).startswith("127.0.0.1:") for port in published.values())
    may_be_opened = {name for name, port in published.items() if "BIND_ADDRESS" in port}
    assert may_be_opened == {"api", "minio"}


@pytest.mark.parametrize("name", services())
def test_images_are_pinned(name):
    image = services()[name]["image"]
    assert re.search(r":[\w.$]", image)
    assert not image.endswith(":latest")


@pytest.mark.parametrize("name", OWN)
def test_our_variables_are_settings(name):
    assert set(environment(name)) <= set(SETTINGS)


def test_variables_of_images_are_documented_ones():
    found = {name: set(environment(name)) for name in services() if name not in OWN and environment(name)}
    assert found == OF_IMAGES


def test_every_setting_reaches_a_process():
    assert {variable for name in OWN for variable in environment(name)} == set(SETTINGS)


@pytest.mark.parametrize("name", OWN)
def test_whatever_may_reconcile_goes_by_the_limits_of_the_api(name):
    """A worker that took another size or age for the limit would throw away what the API waits for."""
    reconciling = {"MAX_UPLOAD_SIZE_MB", "PRESIGNED_URL_SECONDS", "MAX_QUEUE_SIZE", "MAX_QUEUE_SIZE_PER_CALLER"}
    assert reconciling | {"ABANDONED_UPLOAD_MINUTES"} <= set(environment(name))


def test_every_variable_of_dotenv_is_a_setting_or_used_here():
    override = (PROJECT / "deploy" / "docker" / "kafka-outside.yml").read_text()
    used = variables((PROJECT / "docker-compose.yml").read_text()) | variables(override)
    assert used <= set(example())
    assert set(example()) - set(SETTINGS) <= used


def test_no_secret_is_written_down():
    secret = {name for name, field in SETTINGS.items() if field.annotation is SecretStr} - {"MONGODB_URL"}
    for service in services():
        for name, value in environment(service).items():
            if name in secret or name.endswith("PASSWORD"):
                assert re.fullmatch(r"\$\{[A-Z0-9_]+(:\?[^}]+|:-)\}", value), name
    assert "tidemark:${MONGODB_PASSWORD:?" in environment("api")["MONGODB_URL"]


@pytest.mark.parametrize("missing", SECRETS)
def test_without_a_secret_nothing_starts(missing):
    with pytest.raises(KeyError, match=missing):
        filled((PROJECT / "docker-compose.yml").read_text(), {**SECRETS, missing: ""})


@pytest.mark.parametrize("name", OWN)
def test_settings_take_what_compose_hands_on(name, monkeypatch):
    for variable in SETTINGS:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment(name).items():
        monkeypatch.setenv(variable, filled(value, SECRETS))
    settings = load_settings()
    assert settings.environment == "production"
    assert settings.mongodb_url.get_secret_value() == f"mongodb://tidemark:{'m' * 32}@mongo:27017/tidemark"


def test_the_database_user_is_made_from_what_the_service_is_given():
    script = (PROJECT / "deploy" / "docker" / "mongo-user.js").read_text()
    assert set(re.findall(r"process\.env\.(\w+)", script)) == set(environment("mongo")) & {
        "MONGODB_DATABASE",
        "MONGODB_PASSWORD",
    }


def test_files_that_are_mounted_exist():
    mounts = [
        volume.split(":")[0]
        for service in services().values()
        for volume in service.get("volumes", ())
        if volume.startswith(".")
    ]
    assert mounts
    assert all((PROJECT / mount).exists() for mount in mounts)


def test_minio_keeps_unfinished_uploads_as_long_as_they_may_last():
    most = next(limit.le for limit in Settings.model_fields["resumable_upload_hours"].metadata if hasattr(limit, "le"))
    assert float(environment("minio")["MINIO_API_STALE_UPLOADS_EXPIRY"].removesuffix("h")) > most
