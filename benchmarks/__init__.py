"""Ratios, not times: each script times two things in one run on one machine, round by round in turn."""
