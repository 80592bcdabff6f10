"""Alerts and dashboards: every metric that they ask for is one that somebody gives."""

import json
import re

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from api.metrics import Metrics
from schemas.topics import Topic
from streams import metrics as workers
from streams.stages import STAGES
from tests.unit.deploy.compose import PROJECT, services

# What kafka-exporter documents and we ask for or may ask for.
EXPORTER = {
    "kafka_brokers",
    "kafka_topic_partitions",
    "kafka_topic_partition_current_offset",
    "kafka_topic_partition_oldest_offset",
    "kafka_consumergroup_current_offset",
    "kafka_consumergroup_current_offset_sum",
    "kafka_consumergroup_lag",
    "kafka_consumergroup_lag_sum",
    "kafka_consumergroup_members",
}
# What prometheus_client gives of every process, where the system has /proc.
PROCESS = {"process_resident_memory_bytes"}
WORDS = {"sum", "max", "by", "and", "rate", "increase", "delta", "absent", "histogram_quantile", "time"}
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def given():
    collected = [*Metrics().registry.collect()]
    for metric in vars(workers).values():
        if isinstance(metric, MetricWrapperBase):
            collected += metric.collect()
    ours = {f"{metric.name}{ending}" for metric in collected for ending in ENDINGS.get(metric.type, ())}
    return ours | EXPORTER | PROCESS | {"up"}


def rules():
    groups = yaml.safe_load((PROJECT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels():
    folder = PROJECT / "deploy" / "grafana" / "dashboards"
    return [panel for file in folder.glob("*.json") for panel in json.loads(file.read_text())["panels"]]


def expressions():
    return [rule["expr"] for rule in rules()] + [target["expr"] for panel in panels() for target in panel["targets"]]


def asked(expression):
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", " ", expression)
    return set(re.findall(r"[a-zA-Z_:][\w:]*", bare)) - WORDS


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_that_is_asked_for_exists(expression):
    assert asked(expression)
    assert asked(expression) <= given()


def test_every_stage_is_missed_when_its_workers_are_away():
    missed = [rule["labels"]["stage"] for rule in rules() if rule["alert"] == "WorkerAway"]
    assert missed == list(STAGES)


def test_workers_of_every_stage_are_asked():
    jobs = yaml.safe_load((PROJECT / "deploy" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    names = {job["job_name"]: job["dns_sd_configs"][0] for job in jobs if "dns_sd_configs" in job}
    assert names["worker"]["names"] == list(STAGES)
    assert {str(names["worker"]["port"])} == {
        services()[stage]["environment"]["WORKER_METRICS_PORT"] for stage in STAGES
    }
    assert str(names["api"]["port"]) == services()["api"]["environment"]["METRICS_PORT"]


def test_topics_that_are_asked_for_exist():
    topics = {topic for expression in expressions() for topic in re.findall(r'topic="([^"]+)"', expression)}
    assert topics
    assert topics <= {topic.value for topic in Topic}


def test_panels_ask_the_source_that_is_provisioned():
    folder = PROJECT / "deploy" / "grafana" / "provisioning" / "datasources"
    source = yaml.safe_load((folder / "prometheus.yml").read_text())["datasources"][0]["uid"]
    assert {panel["datasource"]["uid"] for panel in panels()} == {source}
