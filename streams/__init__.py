"""The Faust side: the runner, and one file a stage. Stages know a context; only this room's core knows Faust."""
