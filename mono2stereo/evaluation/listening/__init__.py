"""The page people listen on, and what comes back from it: stimuli, page, results of the blind test."""
