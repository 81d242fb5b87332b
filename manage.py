#!/usr/bin/env python
"""Runs the site's commands: `manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.umask(0o077)  # the working database holds accounts: nobody else on this machine reads it
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sensgene.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Wrong setting: {error}")
