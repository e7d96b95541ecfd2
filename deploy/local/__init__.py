"""What `make` starts on one machine: a venv, a broker, a database, two sites."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this very check tells people with an older Python
    sys.exit("heddle: Python 3.11 or newer is needed; name one with `make PYTHON=python3.11 …`.")
