"""One module per subcommand of `mono2stereo`: `add_arguments(parser)` and `run(options)`."""
