"""Excerpts, renders, measures, statistics, plots and the pages people read."""
