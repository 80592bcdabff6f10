"""The room that knows PDFium: reading what people send to be read. Runs in a child process (see providers/child)."""
