from django.conf import settings
from django.db import migrations


def make_states(apps, schema_editor):
    """Give each family that is there the state of its passes, as a family that is found gets it with its others."""
    states = apps.get_model("families", "SyncState").objects
    there = states.filter(kind="temp_keys").values("family")
    seconds = settings.SYNC_SECONDS["temp_keys"]
    lacking = apps.get_model("families", "Family").objects.exclude(pk__in=there).values_list("pk", flat=True)
    rows = [
        states.model(kind="temp_keys", family_id=pk, interval_seconds=seconds)
        for pk in lacking.order_by("pk").iterator()
    ]
    states.bulk_create(rows, batch_size=500)


class Migration(migrations.Migration):
    dependencies = [
        ("families", "0008_passes_in_step"),
    ]

    operations = [migrations.RunPython(make_states, migrations.RunPython.noop)]
