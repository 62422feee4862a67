"""Instruments that play notes: the sound of the demo's pieces and of the probes."""
