"""``python -m worker``: run the daemon with what the environment says."""

import sys

from worker.app import run_worker
from worker.errors import SettingsError
from worker.logs import configure_logs
from worker.settings import Settings

EXIT_CONFIGURATION = 78  # EX_CONFIG


def main() -> int:
    """Run until told to stop; return the exit code."""
    try:
        settings = Settings.load()
        configure_logs(settings.log_level)
        run_worker(settings)
    except SettingsError as error:
        print(f"chairtime worker: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    return 0


if __name__ == "__main__":
    sys.exit(main())
