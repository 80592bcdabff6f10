"""Which Tidemark an operator's command is about.

That of the environment, as in a container; or with `--data` the one that `tidemark up` runs on this machine with its
data there: how to reach it, and its secrets, are read from the folder.
"""

import argparse
from pathlib import Path

from deploy.embedded.failures import EmbeddedError, embedded_extra
from deploy.logs import configure_logging
from schemas.settings import Settings, load_settings


def add_data(parser: argparse.ArgumentParser) -> None:
    """The option that all commands of operators share."""
    parser.add_argument("--data", type=Path, help="the folder of a running `tidemark up` (else: the environment)")


def operator_settings(data: Path | None) -> Settings:
    """The settings to work with; the log is set up by them.

    Raises SettingsError for a wrong variable, EmbeddedError where nothing runs with that folder. Does not block.
    """
    settings = load_settings(**_of_stack(data)) if data else load_settings()
    configure_logging(settings)
    return settings


def _of_stack(data: Path) -> dict[str, str]:
    with embedded_extra():
        from deploy.embedded.stack import running_services
    services = running_services(data)
    if services is None:
        raise EmbeddedError(
            f"No Tidemark runs with its data in {data}: start it (make up DATA={data}), or name its folder."
        )
    return {name.lower(): value for name, value in services.environment().items()}
