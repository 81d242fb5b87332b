"""Two people at one record: the second is shown what changed meanwhile, and loses nothing."""


class LockedAdmin:
    """Mixed into the admin of records: a form knows the version it was opened with."""
