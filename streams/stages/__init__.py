"""The stages, in the order of the flow. A stage that is not listed here does not exist."""

from streams.stage import Stage
from streams.stages import analyse, audio, render, transcribe

STAGES: dict[str, Stage] = {stage.name: stage for stage in (audio.STAGE, render.STAGE, transcribe.STAGE, analyse.STAGE)}
