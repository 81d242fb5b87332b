"""Who may see and change which rows in the admin: what every admin page of ours asks before it shows anything."""


class ScopedAdmin:
    """Mixed into every admin page: a user sees and changes the rows of their scope only."""
