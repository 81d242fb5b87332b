"""Tests of the texts and of the neighbours."""
