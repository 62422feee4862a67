"""Excerpts as files to listen to, pictures to look at and a page that plays them: the stage render."""
