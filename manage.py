#!/usr/bin/env python
"""Runs a command of IOM Panel. Starts the embedded database by itself when the command needs one."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iom.settings.embedded")
    from iom.embedded import autostart

    autostart(sys.argv)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
