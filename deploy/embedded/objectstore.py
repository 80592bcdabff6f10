"""The object store of the embedded stack: SeaweedFS (`weed`, out of a wheel) with its S3 door on loopback.

Layout: DATA/objects, with the one identity that may use it in DATA/objects.json (0600); other callers are refused.
An acknowledged write is with the operating system, so SIGKILL loses nothing; its own graceful end waits 15 s for
connections to itself and is therefore cut short. It leaves unix sockets, named by port, in the system's temporary
folder: they are removed here.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from deploy.embedded.files import write_atomically
from deploy.embedded.ports import HOST
from deploy.embedded.process import Child, Program

PORTS = 8
READY_SECONDS = 60.0
GRACE_SECONDS = 1.0
VOLUME_MB = 256
"""Objects are cut into pieces, the pieces gathered in volumes of this size: small, so that a small disk holds some."""
SOCKETS = Path("/tmp")  # noqa: S108  # nosec B108


@dataclass(frozen=True)
class ObjectStore:
    """Where it lies and listens, and who may use it."""

    data: Path
    ports: tuple[int, ...]
    access_key: str
    secret_key: str
    held: tuple[int, ...] = ()

    name = "object store"

    @property
    def endpoint(self) -> str:
        """As clients reach it."""
        return f"http://{HOST}:{self.ports[0]}"

    async def launch(self) -> Child:
        """Starts the server and waits until it answers to our keys. Raises ProcessFailed."""
        (self.data / "objects").mkdir(parents=True, exist_ok=True)
        self._write_identity()
        self.remove_sockets()
        child = await Child.start(self._program())
        try:
            await child.until_ready(self.answers, READY_SECONDS)
        except BaseException:
            await child.stop()
            raise
        return child

    async def answers(self, seconds: float) -> bool:
        """Whether our own server (another one on the port does not know the keys) answers, and has room to write to.

        Takes about so many seconds at most.
        """
        return await asyncio.to_thread(self._lists, seconds / 2)

    def remove_sockets(self) -> None:
        """Removes what an ended server left in the temporary folder. A repeat is harmless."""
        for port in self.ports:
            for leftover in SOCKETS.glob(f"seaweedfs-*-{port}.sock"):
                leftover.unlink(missing_ok=True)

    def _program(self) -> Program:
        s3, s3_grpc, filer, filer_grpc, volume, volume_grpc, master, master_grpc = self.ports
        options = {
            "dir": str((self.data / "objects").absolute()),
            "ip": HOST,
            "ip.bind": HOST,
            "master.peers": "none",  # one master for good: no election to wait for, which takes up to 20 s after a kill
            "master.port": master,
            "master.port.grpc": master_grpc,
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": VOLUME_MB,
            "volume.port": volume,
            "volume.port.grpc": volume_grpc,
            "volume.max": 0,
            "volume.preStopSeconds": 0,
            "filer": "true",
            "filer.port": filer,
            "filer.port.grpc": filer_grpc,
            "s3": "true",
            "s3.port": s3,
            "s3.port.grpc": s3_grpc,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.iam": "false",
            "s3.config": str(self._identity_file.absolute()),
        }
        weed = str(Path(sys.executable).with_name("weed"))
        return Program(
            name=self.name,
            command=(weed, "-logtostderr=true", "server", *(f"-{name}={value}" for name, value in options.items())),
            log=self.data / "logs" / "objects.log",
            folder=self.data,
            grace=GRACE_SECONDS,
            held=self.held,
        )

    @property
    def _identity_file(self) -> Path:
        return self.data / "objects.json"

    def _write_identity(self) -> None:
        credentials = {"accessKey": self.access_key, "secretKey": self.secret_key}
        identity = {"name": "tidemark", "credentials": [credentials], "actions": ["Admin"]}
        write_atomically(self._identity_file, json.dumps({"identities": [identity]}))

    def _lists(self, seconds: float) -> bool:
        with urllib3.PoolManager(timeout=seconds, retries=False) as pool:
            client = Minio(
                endpoint=f"{HOST}:{self.ports[0]}",
                access_key=self.access_key,
                secret_key=self.secret_key,
                secure=False,
                region="us-east-1",
                http_client=pool,
            )
            try:
                client.list_buckets()
                status = pool.request("GET", f"http://{HOST}:{self.ports[6]}/dir/status").json()
            except (MinioException, urllib3.exceptions.HTTPError, ValueError):
                return False
        return bool(status["Topology"]["DataCenters"])
