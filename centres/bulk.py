"""Tables written whole: tens of thousands of rows at a time, column by column, without an instance for each."""

from collections.abc import Iterable, Sequence

from django.db import connection, models
from django.utils import timezone

from sensgene.publication import empty_value


def insert(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Adds the rows to the working database; `names` are attribute names (`child_id`), in the order of each row.

    Columns that are not named get their default, and `updated_at` the present.
    """
    named = {field.attname: field for field in model._meta.concrete_fields}
    others = [field for field in named.values() if field.attname not in names and not field.primary_key]
    defaults = [timezone.now() if field.attname == "updated_at" else empty_value(field) for field in others]
    fields = [*(named[name] for name in names), *others]
    quote = connection.ops.quote_name
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(quote(field.column) for field in fields)}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * len(fields))})"
    )
    prepared = (
        [field.get_db_prep_save(value, connection) for field, value in zip(fields, [*row, *defaults], strict=True)]
        for row in rows
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql, prepared)


def replace(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence]) -> bool:
    """Makes the table hold these rows and no others; returns whether anything differed."""
    stored = models.QuerySet(model, using="default").order_by(*names).values_list(*names)
    if list(stored) == sorted(map(tuple, rows)):
        return False
    models.QuerySet(model, using="default")._raw_delete("default")
    insert(model, names, rows)
    return True
