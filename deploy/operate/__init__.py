"""What operators do by hand with a running Tidemark, as commands."""
