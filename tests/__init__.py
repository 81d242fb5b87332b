"""The suite mirrors the code; tests of the whole site stand beside the folders. `python -m tests` runs everything."""
