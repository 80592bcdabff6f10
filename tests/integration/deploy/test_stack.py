"""The embedded stack: all three answer; what was acknowledged survives kills and restarts; two do not meet."""

import asyncio
import io
import os
import signal
import sys
import threading
import urllib.request
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from minio import Minio
from minio.error import MinioException, S3Error
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from urllib3.exceptions import HTTPError

from deploy.embedded.failures import InUse
from deploy.embedded.process import PROJECT
from deploy.embedded.stack import EmbeddedStack, Services, running_services
from tests.conftest import running_stack

PART_BYTES = 5 * 1024 * 1024
STACK = """
import asyncio, pathlib, pymongo, sys
from deploy.embedded.stack import EmbeddedStack
async def main():
    async with EmbeddedStack(pathlib.Path(sys.argv[1])) as services:
        with pymongo.MongoClient(services.mongodb_url) as client:
            client.kept.things.insert_one({"_id": 1})
        print("up", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def objects(services: Services) -> Minio:
    return Minio(
        endpoint=services.s3_endpoint.removeprefix("http://"),
        access_key=services.s3_access_key,
        secret_key=services.s3_secret_key,
        secure=False,
        region="us-east-1",
    )


def produce(services: Services, topic: str, value: bytes) -> None:
    admin = AdminClient({"bootstrap.servers": services.kafka_bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1)])[topic].result(20)
    producer = Producer({"bootstrap.servers": services.kafka_bootstrap_servers, "compression.type": "lz4"})
    producer.produce(topic, value)
    assert producer.flush(20) == 0


def first_message(services: Services, topic: str) -> bytes | None:
    options = {"bootstrap.servers": services.kafka_bootstrap_servers, "group.id": "g", "auto.offset.reset": "earliest"}
    with closing(Consumer(options)) as consumer:
        consumer.subscribe([topic])
        message = consumer.poll(30)
        return message.value() if message else None


def server(name: str, url: str) -> psutil.Process:
    """The server process whose command line has `name` and the address's port in it: of that stack, not of another."""
    port = str(urlsplit(url).port)
    lines = {one: " ".join(one.cmdline()) for one in psutil.Process().children(recursive=True)}
    (found,) = (one for one, line in lines.items() if name in line and port in line and "guard.py" not in line)
    return found


def test_kafka_carries_a_message(services: Services) -> None:
    produce(services, "carried", b"hello")
    assert first_message(services, "carried") == b"hello"


def test_kafka_makes_no_topic_on_the_fly(services: Services) -> None:
    producer = Producer({"bootstrap.servers": services.kafka_bootstrap_servers, "message.timeout.ms": 3000})
    errors: list[object] = []
    producer.produce("never-created", b"x", on_delivery=lambda error, _: errors.append(error))
    producer.flush(20)
    assert len(errors) == 1
    assert errors[0] is not None


def test_objects_by_presigned_urls(services: Services) -> None:
    client = objects(services)
    client.make_bucket("presigned")
    url = client.presigned_put_object("presigned", "a/key", expires=timedelta(minutes=5))
    with urllib.request.urlopen(urllib.request.Request(url, data=b"hello", method="PUT")) as response:
        assert response.status == 200
    url = client.presigned_get_object("presigned", "a/key", expires=timedelta(minutes=5))
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Range": "bytes=1-3"})) as response:
        assert response.read() == b"ell"


def test_objects_in_parts(services: Services) -> None:
    client, content = objects(services), os.urandom(2 * PART_BYTES + 17)
    client.make_bucket("in-parts")
    client.put_object("in-parts", "big", io.BytesIO(content), length=-1, part_size=PART_BYTES)
    with closing(client.get_object("in-parts", "big")) as response:
        assert response.read() == content


def test_objects_only_with_the_keys(services: Services) -> None:
    stranger = Minio(
        endpoint=services.s3_endpoint.removeprefix("http://"),
        access_key=services.s3_access_key,
        secret_key="something else",
        secure=False,
        region="us-east-1",
    )
    with pytest.raises(S3Error):
        stranger.list_buckets()


def test_everything_listens_on_loopback_alone(services: Services) -> None:
    listening = [
        connection.laddr.ip
        for child in psutil.Process().children(recursive=True)
        for connection in child.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 11
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_secrets_show_in_no_repr(services: Services) -> None:
    assert services.jwt_secret not in repr(services)
    assert services.s3_secret_key not in repr(services)


class Writers:
    """Threads that insert and remember each document that was acknowledged."""

    def __init__(self, url: str, life: int) -> None:
        self.url, self.life = url, life
        self.acknowledged: list[str] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(4)]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # nobody was killed: they would write on for ever
            self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self, number: int) -> None:
        with MongoClient(self.url, serverSelectionTimeoutMS=500, retryWrites=False) as client:
            for count in range(100_000):
                if self._over.is_set():
                    return
                document = {"_id": f"{self.life}-{number}-{count}", "n": number}
                try:
                    client.kills.written.insert_one(document)
                    client.kills.written.update_one({"_id": document["_id"]}, {"$set": {"seen": True}})
                except PyMongoError:
                    return
                self.acknowledged.append(document["_id"])


@pytest.mark.parametrize("life", range(2))
async def test_documents_that_were_acknowledged_survive_a_kill(services: Services, life: int) -> None:
    with Writers(services.mongodb_url, life) as writers:
        async with asyncio.timeout(30):
            while len(writers.acknowledged) < 200:  # noqa: ASYNC110 -- threads fill it
                await asyncio.sleep(0.01)
        server("docstore_server", services.mongodb_url).send_signal(signal.SIGKILL)
    with MongoClient(services.mongodb_url, serverSelectionTimeoutMS=30_000) as client:
        found = {document["_id"] for document in client.kills.written.find({"seen": True})}
    assert set(writers.acknowledged) <= found


async def test_objects_that_were_acknowledged_survive_a_kill(services: Services) -> None:
    client = objects(services)
    client.make_bucket("killed")
    for number in range(20):
        client.put_object("killed", str(number), io.BytesIO(b"x" * 50_000), 50_000)
    client.remove_object("killed", "0")
    before = server("weed", services.s3_endpoint)
    before.send_signal(signal.SIGKILL)
    before.wait(10)
    async with asyncio.timeout(60):
        while True:
            try:
                names = {one.object_name for one in client.list_objects("killed")}
                break
            except (MinioException, HTTPError):
                await asyncio.sleep(0.1)
    assert names == {str(number) for number in range(1, 20)}


async def test_the_folder_is_one_stack_s_alone(tmp_path: Path) -> None:
    with running_stack(tmp_path), pytest.raises(InUse, match="in use by another Tidemark"):
        await EmbeddedStack(tmp_path).__aenter__()


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with running_stack(tmp_path) as first:
        produce(first, "kept", b"still here")
        objects(first).make_bucket("kept")
        objects(first).put_object("kept", "key", io.BytesIO(b"hello"), 5)
        with MongoClient(first.mongodb_url) as client:
            client.kept.things.insert_one({"_id": 1})
    with running_stack(tmp_path) as again:
        assert again == first, "the same ports and secrets, so that a presigned URL outlives a restart"
        assert first_message(again, "kept") == b"still here"
        assert objects(again).stat_object("kept", "key").size == 5
        with MongoClient(again.mongodb_url) as client:
            assert client.kept.things.find_one() == {"_id": 1}
        assert running_services(tmp_path) == again, "operators find it by its folder"
    assert running_services(tmp_path) is None


async def test_starts_on_what_a_kill_left_behind(tmp_path: Path) -> None:
    """The parent is killed without a warning; the next start neither meets its servers nor trips over their locks."""
    command = (sys.executable, "-c", STACK, str(tmp_path))
    parent = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout
    assert await parent.stdout.readline() == b"up\n"
    servers = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    await parent.wait()
    async with EmbeddedStack(tmp_path) as services:
        assert not any(one.is_running() for one in servers)
        with MongoClient(services.mongodb_url) as client:
            assert client.kept.things.find_one() == {"_id": 1}


async def test_two_side_by_side(services: Services, tmp_path: Path) -> None:
    async with EmbeddedStack(tmp_path) as other:
        assert other.mongodb_url != services.mongodb_url
        objects(services).make_bucket("only-in-one")
        assert not objects(other).bucket_exists("only-in-one")
