"""``python -m davserver``: the same as the ``davserver`` command."""

import sys

from davserver.commands import main

if __name__ == "__main__":
    sys.exit(main())
