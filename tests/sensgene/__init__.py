"""Tests of the site itself: publishing, content, chrome."""
