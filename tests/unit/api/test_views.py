"""What clients see of a recording: no address that leads nowhere."""

from api import views
from schemas.jobs import Failure
from schemas.media import RenditionKind
from schemas.recordings import SOURCE_MISSING, RecordingStatus
from tests.unit.stores.jobs import a_recording


def kinds(**fields):
    return [rendition.kind for rendition in views.item(a_recording(**fields)).renditions]


def test_the_original_is_offered_until_it_is_lost():
    failed = RecordingStatus.FAILED
    assert kinds(status=failed, error=Failure(code="undecodable", detail="Broken.")) == [RenditionKind.ORIGINAL]
    assert kinds(status=failed, error=Failure(code=SOURCE_MISSING, detail="Gone.")) == []
