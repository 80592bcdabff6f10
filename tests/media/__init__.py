"""Recordings to test with: real ones, and a maker of small bad ones."""
