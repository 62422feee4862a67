"""Recordings → manifest → mid/side pairs: sources, inspection, preprocessing."""
