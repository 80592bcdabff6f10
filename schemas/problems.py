"""Every code that a client can meet, in one table: problems of a request (RFC 9457) and failures of a step.

A code never changes its meaning. `status` is the HTTP status of a problem; a failure of a step has none, since it
shows in the job and the recording instead.
"""

from typing import Any

from schemas.model import Frozen

TYPE_PREFIX = "urn:tidemark:problem:"


class Code(Frozen):
    """One code: its HTTP status if it can answer a request, and what it means.

    `stage_fault` says of a failure of a step that it speaks against the stage, its machine or its provider, and not of
    one person's file: when too many attempts end so, the stage stops (see streams/breaker).
    """

    code: str
    status: int | None
    title: str
    stage_fault: bool = False


CODES: dict[str, Code] = {
    entry.code: entry
    for entry in (
        # requests
        Code(code="invalid_request", status=400, title="The request could not be read"),
        Code(code="invalid_json", status=400, title="The body is not valid JSON"),
        Code(code="not_signed_in", status=401, title="Sign in first"),
        Code(code="wrong_credentials", status=401, title="The user name or the password is wrong"),
        Code(code="token_expired", status=401, title="The token has expired"),
        Code(code="token_invalid", status=401, title="The token is not valid"),
        Code(code="token_reused", status=401, title="The refresh token was used before; sign in again"),
        Code(code="origin_refused", status=403, title="That origin may not do this with a cookie"),
        Code(code="forbidden", status=403, title="That is for administrators"),
        Code(code="key_refused", status=403, title="The API key may not do that"),
        Code(code="plan_needed", status=403, title="That is part of a paid plan"),
        Code(code="not_found", status=404, title="There is no such thing, or it is not yours"),
        Code(code="method_not_allowed", status=405, title="That method is not available here"),
        Code(code="request_timeout", status=408, title="The request did not arrive in time"),
        Code(code="name_taken", status=409, title="The user name or email address is taken"),
        Code(code="too_many_keys", status=409, title="The account has as many API keys as it may have"),
        Code(code="no_password", status=409, title="The account has no password here"),
        Code(code="object_missing", status=409, title="The upload is not in the object store"),
        Code(code="size_mismatch", status=409, title="The upload does not have the announced size"),
        Code(code="parts_mismatch", status=409, title="The parts are not all there as they should be"),
        Code(code="upload_ended", status=409, title="The recording takes no parts, or no more"),
        Code(code="not_ready", status=409, title="That is not there yet"),
        Code(code="original_expired", status=409, title="The original has gone by a rule of retention"),
        Code(code="rendition_expired", status=409, title="The rendition has gone by a rule of retention"),
        Code(code="not_replayable", status=409, title="The dead letter cannot be replayed, or not now"),
        Code(code="original_cut", status=409, title="The dead letter keeps only the beginning of what it is about"),
        Code(code="job_running", status=409, title="That work is under way already"),
        Code(code="job_ended", status=409, title="The job has ended"),
        Code(code="id_taken", status=409, title="There is one with that id already"),
        Code(code="not_empty", status=409, title="There is still something in it"),
        Code(code="too_many", status=409, title="There are as many of these as there may be"),
        Code(code="on_hold", status=409, title="It is on hold: nothing of it can be deleted"),
        Code(code="too_many_jobs", status=409, title="The recording has had as many jobs as it may have"),
        Code(code="wrong_offset", status=409, title="The upload has come to another offset"),
        Code(code="upload_gone", status=410, title="The upload has expired, or has become a recording"),
        Code(code="unsupported_version", status=412, title="That version of tus is not spoken here"),
        Code(code="too_large", status=413, title="The upload is larger than allowed"),
        Code(code="unsupported_media", status=415, title="Not a file of a type that is taken here"),
        Code(code="address_too_long", status=414, title="The address is too long"),
        Code(code="unsupported_encoding", status=415, title="The body must not be encoded"),
        Code(code="range_not_satisfiable", status=416, title="The range lies outside the object"),
        Code(code="invalid_field", status=422, title="A field is missing or wrong"),
        Code(code="too_many_corrections", status=422, title="The transcript has as many corrections as it may have"),
        Code(code="rate_limited", status=429, title="Too many requests; slow down"),
        Code(code="too_many_attempts", status=429, title="Too many attempts; try again later"),
        Code(code="too_many_watchers", status=429, title="Too many websockets and event streams are open"),
        Code(code="headers_too_large", status=431, title="The headers are too large"),
        Code(code="wrong_content_type", status=415, title="The body has another content type than is taken here"),
        Code(code="upload_locked", status=423, title="Somebody else is in the middle of that upload"),
        Code(code="checksum_mismatch", status=460, title="The bytes do not have the announced checksum"),
        Code(code="internal_error", status=500, title="Something went wrong on our side"),
        Code(code="too_many_connections", status=503, title="Too many connections; try again shortly"),
        Code(code="queue_full", status=503, title="Too much work is waiting; try again later"),
        Code(code="unavailable", status=503, title="A part of the service is away; try again shortly"),
        # steps
        Code(code="not_media", status=None, title="The file is neither audio nor video"),
        Code(code="no_streams", status=None, title="The file has neither sound nor picture"),
        Code(code="undecodable", status=None, title="Nothing in the file could be decoded"),
        Code(code="picture_too_large", status=None, title="The picture is larger than can be processed"),
        Code(code="media_too_long", status=None, title="The recording is longer than can be processed"),
        Code(code="document_encrypted", status=None, title="The document opens with a password only"),
        Code(code="document_broken", status=None, title="The document is broken: no page of it can be read"),
        Code(code="document_too_long", status=None, title="The document has more pages or text than can be processed"),
        Code(code="source_unreadable", status=None, title="The stored upload could not be read"),
        Code(code="source_missing", status=None, title="The stored upload is no longer there"),
        Code(code="source_changed", status=None, title="The stored upload was replaced after it was accepted"),
        Code(code="download_refused", status=None, title="The address is not one that may be downloaded from"),
        Code(code="download_denied", status=None, title="The server does not give the file away"),
        Code(code="download_failed", status=None, title="The file could not be downloaded"),
        Code(code="download_unavailable", status=None, title="The server cannot give the file now"),
        Code(code="download_not_media", status=None, title="What was downloaded is neither audio nor video"),
        Code(code="download_too_large", status=None, title="The file is larger than allowed"),
        Code(code="download_protected", status=None, title="The lecture is protected against copying"),
        Code(code="playlist_live", status=None, title="The lecture is still being broadcast"),
        Code(code="playlist_broken", status=None, title="The playlist cannot be used"),
        Code(code="memory_limit", status=None, title="The work needs more memory than its limit"),
        Code(code="cpu_limit", status=None, title="The work needs more processor time than its limit"),
        Code(code="decoded_limit", status=None, title="The file decodes to more than its limit"),
        Code(code="output_limit", status=None, title="The work writes more than its limit"),
        Code(code="invalid_payload", status=None, title="What was asked of the job cannot be done"),
        Code(code="worker_lost", status=None, title="The worker that did the work went away"),
        Code(code="child_crashed", status=None, title="The process that did the work ended early", stage_fault=True),
        Code(code="timeout", status=None, title="The work took longer than its limit", stage_fault=True),
        Code(code="disk_full", status=None, title="The worker has no room on its disk", stage_fault=True),
        Code(code="upstream_failed", status=None, title="A step that this one needs did not succeed"),
        Code(code="superseded", status=None, title="Newer work on the recording has taken the place of this"),
        Code(code="cancelled", status=None, title="The work was cancelled"),
        Code(code="store_unavailable", status=None, title="A store did not answer"),
        Code(code="provider_unavailable", status=None, title="The provider did not answer", stage_fault=True),
        Code(code="provider_timeout", status=None, title="The provider did not answer in time", stage_fault=True),
        Code(code="provider_rate_limited", status=None, title="The provider asked to wait", stage_fault=True),
        Code(
            code="provider_broken_answer",
            status=None,
            title="The provider's answer could not be read",
            stage_fault=True,
        ),
        Code(code="provider_refused_key", status=None, title="The provider refused the key", stage_fault=True),
        Code(code="provider_no_credit", status=None, title="The provider wants to be paid first", stage_fault=True),
        Code(code="provider_refused", status=None, title="The provider declined to answer"),
        Code(code="speech_engine_failed", status=None, title="The offline speech engine failed", stage_fault=True),
        Code(code="unreadable_event", status=None, title="A message on a topic is no event of the contract"),
        Code(code="unexpected", status=None, title="An error that nobody foresaw; the log has it", stage_fault=True),
    )
}


class FieldProblem(Frozen):
    """What is wrong with one field of a request. `field` is its path, with dots."""

    field: str
    message: str


class Problem(Exception):
    """An answer to a request that cannot be met: a code of the table, a sentence, and where it helps the fields."""

    def __init__(
        self, code: str, detail: str, *, fields: tuple[FieldProblem, ...] = (), retry_after: int | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.entry = CODES[code]
        self.detail = detail
        self.fields = fields
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.entry.status or 500

    def body(self) -> dict[str, Any]:
        """The answer's body, as application/problem+json."""
        body: dict[str, Any] = {
            "type": TYPE_PREFIX + self.entry.code,
            "title": self.entry.title,
            "status": self.status,
            "code": self.entry.code,
            "detail": self.detail,
        }
        if self.fields:
            body["errors"] = [field.model_dump() for field in self.fields]
        return body
