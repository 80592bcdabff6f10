"""Analyses of a transcript: the face, Gemini behind it when a key is set, and the extractive analyst otherwise."""

from providers.language.face import Analyst

__all__ = ["Analyst"]
