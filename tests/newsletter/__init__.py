"""Tests of the newsletter: who gets it, how it leaves, what comes back."""
