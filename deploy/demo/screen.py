"""What the demo shows: a bar a step while it runs, the words as they are heard, and at the end the results."""

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

_PIPE_COLUMNS = 10_000


class Screen:
    """Writes to the terminal; to a pipe the same without bars, a line whenever a step changes its status."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _PIPE_COLUMNS
        self.console = Console(file=sys.stdout, highlight=False, width=width)
        self._bars = Progress(
            TextColumn("  {task.description:<11}"),
            BarColumn(bar_width=32),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[status]:<10}"),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._statuses: dict[str, str] = {}
        self._heard = 0

    def __enter__(self) -> "Screen":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        """A line."""
        self.console.print(escape(line), soft_wrap=True)

    def show(self, job: dict[str, Any]) -> None:
        """Brings the bars in line with a state of the job, and prints the words that are new in it."""
        for segment in job["results"].get("transcript", {}).get("segments", []):
            if segment["id"] >= self._heard:
                self._heard = segment["id"] + 1
                self._prose(segment["text"], clock(segment["start"]))
        for step in job["steps"]:
            self._show_step(step)

    def _show_step(self, step: dict[str, Any]) -> None:
        name, status = step["name"], step["status"]
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=100, start=False, status=status)
        if step["started_at"] and self._statuses.get(name) in (None, "queued"):
            self._bars.start_task(self._tasks[name])
        self._bars.update(self._tasks[name], completed=step["progress"], status=status)
        if status in ("completed", "failed", "cancelled"):
            self._bars.stop_task(self._tasks[name])
        if not self.console.is_terminal and self._statuses.get(name) != status:
            self.say(f"  {name}: {status}")
        self._statuses[name] = status

    def results(self, recording: dict[str, Any], transcript: dict[str, Any]) -> None:
        """The transcript and the four analyses."""
        self._heading("Transcript", f"{transcript['language'] or 'no speech'}, by {transcript['provider']}")
        for segment in transcript["segments"]:
            self._prose(segment["text"], clock(segment["start"]))
        analyses = recording["analyses"]
        self._heading("Summary", _made_by(analyses["summary"]))
        self._prose(analyses["summary"]["text"])
        self._heading("Action items", _made_by(analyses["action_items"]))
        self._items(analyses["action_items"]["items"], "none were heard")
        self._heading("Key points", _made_by(analyses["key_points"]))
        self._items(analyses["key_points"]["items"], "none were found")
        mood = analyses["sentiment"]
        self._heading("Sentiment", _made_by(mood))
        self.say(f"  overall {mood['label']} ({mood['score']:+.2f})")
        for span in mood["timeline"]:
            self.say(f"  {clock(span['start'])} – {clock(span['end'])}  {span['label']} ({span['score']:+.2f})")

    def renditions(self, rows: Iterable[tuple[str, str, int, str]]) -> None:
        """Where each rendition lies: kind, content type, bytes, place."""
        self._heading("Renditions", "")
        for kind, content_type, size, place in rows:
            self.say(f"  {kind:<7} {content_type:<11} {size:>12,} bytes  {place}")

    def times(self, job: dict[str, Any]) -> None:
        """How long each step took, and the whole."""
        self._heading("Times", "")
        for step in job["steps"]:
            self.say(f"  {step['name']:<11} {seconds(step['started_at'], step['finished_at']):6.2f} s")
        self.say(f"  {'the job':<11} {seconds(job['created_at'], job['finished_at']):6.2f} s")

    def _items(self, items: list[dict[str, Any]], nothing: str) -> None:
        for item in items:
            more = ", ".join(f"{name}: {item[name]}" for name in ("owner", "due") if item.get(name))
            self._prose(item["text"] + (f" ({more})" if more else ""), clock(item["at"]))
        if not items:
            self.say(f"  {nothing}")

    def _prose(self, text: str, at: str = "") -> None:
        """Words that wrap between words, beside the moment that they are from."""
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_row("", *([f"[dim]{at}[/dim]"] if at else []), escape(text))
        self.console.print(row)

    def _heading(self, title: str, note: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]" + (f"  [dim]{escape(note)}[/dim]" if note else ""))


def clock(position: float) -> str:
    """A position in seconds as m:ss, or h:mm:ss."""
    minutes, second = divmod(int(position), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def seconds(start: str | None, end: str | None) -> float:
    """The seconds between two moments in RFC 3339; 0 where one is missing."""
    if not start or not end:
        return 0.0
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _made_by(analysis: dict[str, Any]) -> str:
    return f"by {analysis['provider']}" + (", extractive" if analysis["extractive"] else "")
