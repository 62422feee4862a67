"""Any decorrelator on any folder of recordings, by the protocol of docs/benchmark.md."""
