"""The history of a record in the admin: its versions, what differs, going back to one."""


class HistoryAdmin:
    """Mixed into the admin of records."""
