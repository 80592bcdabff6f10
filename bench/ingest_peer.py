"""The peer of bench.ingest: FastAPI that takes an upload's completion and enqueues a chain of three with Celery.

Runs in an environment of its own, where nothing of ours is: `uvicorn ingest_peer:app`. The endpoint is a plain
function, as FastAPI's documentation has it for what blocks: it runs in a thread.
"""

import os

from celery import Celery, chain
from fastapi import FastAPI
from pydantic import BaseModel

queue = Celery("peer", broker=f"{os.environ['PEER_REDIS']}/0")
queue.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, task_ignore_result=True)
app = FastAPI()


class UploadComplete(BaseModel):
    """What a client says of its upload."""

    upload_id: str
    key: str
    size: int


@queue.task(name="probe")
def probe(job: dict[str, object]) -> dict[str, object]:
    """Nothing."""
    return job


@queue.task(name="transcribe")
def transcribe(job: dict[str, object]) -> dict[str, object]:
    """Nothing."""
    return job


@queue.task(name="analyse")
def analyse(job: dict[str, object]) -> dict[str, object]:
    """Nothing."""
    return job


@app.post("/upload-complete", status_code=202)
def upload_complete(body: UploadComplete) -> dict[str, str]:
    """Enqueues the chain."""
    chain(probe.s(body.model_dump()), transcribe.s(), analyse.s()).apply_async()
    return {"upload_id": body.upload_id, "status": "queued"}
