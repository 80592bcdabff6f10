"""The media room: all that touches FFmpeg, through PyAV. The rest of the product sees its functions and messages.

`probe.probe`, `audio.extract_audio`, `render.render` and `scenes.find_scenes` block. The caller runs them in a child
process of their own, because what they read is hostile. They write only into the directory they are given, under names
of their own, and a repeat overwrites what the last run left. `messages` imports no PyAV, so a parent process can hold
it cheaply.
"""
