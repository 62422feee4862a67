"""Signal processing in plain NumPy and SciPy: no TensorFlow, no files."""
