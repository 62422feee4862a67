"""`make ui`: MLflow's pages, opened at the runs. No stage of the pipeline."""

from __future__ import annotations

import os
import sys

from mono2stereo import tracking
from mono2stereo.errors import one_line_errors

PORT = os.environ.get("MLFLOW_PORT") or "5000"  # as MLflow's own command reads it


def main() -> None:
    """Say where to look; a server is started unless MLFLOW_TRACKING_URI names one that runs."""
    uri, runs = tracking.pages()
    is_server = uri.startswith("http")
    print(f"{uri if is_server else f'http://127.0.0.1:{PORT}'}/{runs}", flush=True)
    if not is_server:
        command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", PORT]
        os.execv(command[0], command)


if __name__ == "__main__":
    with one_line_errors():
        main()
