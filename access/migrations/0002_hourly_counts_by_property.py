"""Counts for each property and the estate in place of one for each family, counted from the rows that are there."""

import django.db.models.deletion
from django.db import migrations, models

COUNT = """
    INSERT INTO access_hourlycount (property_id, hour, opened, refused, calls)
    SELECT {place}, hour, SUM(opened), SUM(refused), SUM(calls)
    FROM (
        SELECT family_id, {hour} AS hour, CASE WHEN is_success THEN 1 ELSE 0 END AS opened,
            CASE WHEN is_success THEN 0 ELSE 1 END AS refused, 0 AS calls
        FROM access_opening
        UNION ALL
        SELECT family_id, {hour}, 0, 0, 1 FROM access_call
    ) told
    {families}
    GROUP BY {group}hour
"""
FAMILIES = "JOIN families_family ON families_family.id = told.family_id WHERE property_id IS NOT NULL"


def count(apps, schema_editor):
    """Fill the empty table."""
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    hour = "substr(at, 1, 13) || ':00:00'" if is_sqlite else "date_trunc('hour', at, 'UTC')"
    # What a column without a type is differs between the two.
    nowhere = "NULL" if is_sqlite else "CAST(NULL AS bigint)"
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(COUNT.format(place=nowhere, hour=hour, families="", group=""))
        cursor.execute(COUNT.format(place="property_id", hour=hour, families=FAMILIES, group="property_id, "))


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_initial"),
        ("families", "0001_initial"),
    ]

    operations = [
        migrations.DeleteModel(name="HourlyCount"),
        migrations.CreateModel(
            name="HourlyCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("opened", models.IntegerField(default=0)),
                ("refused", models.IntegerField(default=0)),
                ("calls", models.IntegerField(default=0)),
                (
                    "property",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hourly_counts",
                        to="families.property",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="hourlycount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("property__isnull", False)),
                fields=("property", "hour"),
                name="access_hour_property",
            ),
        ),
        migrations.AddConstraint(
            model_name="hourlycount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("property__isnull", True)),
                fields=("hour",),
                name="access_hour_estate",
            ),
        ),
        migrations.RunPython(count, migrations.RunPython.noop),
    ]
