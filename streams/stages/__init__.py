"""The stages, in the order of the flow. A stage that is not listed here does not exist."""

from streams.stage import Stage
from streams.stages import analyse, audio, download, export, live, pages, render, scenes, transcribe

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        *(live.STAGE, download.STAGE, audio.STAGE, render.STAGE, scenes.STAGE),
        *(transcribe.STAGE, pages.STAGE, analyse.STAGE, export.STAGE),
    )
}
