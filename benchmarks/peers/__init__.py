"""Programs that others use to make stereo of mono, as tools of `mono2stereo benchmark`."""
