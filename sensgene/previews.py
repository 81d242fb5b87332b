"""Changes that are not published yet: kept on the record, shown on its own page behind a signed link."""


class PreviewAdmin:
    """Mixed into the admin of records that have a page."""
