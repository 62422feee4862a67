"""Sound files and pipes read from front to back, each by the library that reads its kind exactly.

`opening.open_sound` is the one way in, `kinds` the one table of formats.
"""
