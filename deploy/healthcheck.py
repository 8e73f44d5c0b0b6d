"""Asks the web server of this container whether it lives; exit code 0 if it does."""

import http.client
import os
import sys


def main() -> int:
    """Ask under a host name that the settings allow."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    host = os.environ["ALLOWED_HOSTS"].split(",")[0]
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
