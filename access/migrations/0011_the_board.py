from django.db import migrations, models
from django.db.models import Q

from access.macs import device_text

BATCH = 500


def spell_plainly(apps, schema_editor):
    """The texts of devices whose MAC came with signs between its digits: it is found in any spelling."""
    devices = apps.get_model("access", "Device").objects.using(schema_editor.connection.alias)
    spelt = Q(mac__contains=":") | Q(mac__contains="-") | Q(mac__contains=".") | Q(mac__contains=" ")
    changed = []
    for device in devices.filter(spelt).only("name", "mac", "search_text").iterator(chunk_size=BATCH):
        device.search_text = device_text(device.name, device.mac)
        changed.append(device)
    devices.bulk_update(changed, ["search_text"], batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0010_devices_by_mac"),
        ("families", "0012_whom_visitors_call"),
    ]

    operations = [
        migrations.RunPython(spell_plainly, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                fields=["search_text", "id", "is_public", "is_online", "family", "mac"],
                name="access_device_board",
                condition=Q(gone_at=None),
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                fields=["family", "is_online"],
                name="access_device_private",
                condition=Q(gone_at=None, is_public=False),
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(
                fields=["mac", "id", "family", "is_online"],
                name="access_device_shared",
                condition=Q(gone_at=None, is_public=True),
            ),
        ),
    ]
