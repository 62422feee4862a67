"""The page people listen on: stimuli and page."""
