"""What the tests of passes share: lists that the stand-in answers word for word, and what a person does with them."""

import json

from access.models import TempKey
from families.models import Kind
from tests.syncing import read

LIST = "get_akuvox_open_door_temp_key_config"
DELETE = "delete_akuvox_open_door_temp_key_config"
DELETE_MANY = "batch_delete_akuvox_open_door_temp_key_config"


def key(digits, start="2030-01-01 08:00:00", finish="2030-01-02 08:00:00", count=5, **fields):
    return {
        "temp_key": str(digits),
        "start_time": start,
        "finish_time": finish,
        "count": count,
        "qr_code_url": "https://pictures.example/qr/CANARY-qr.png",
    } | fields


def tell(simulator, *keys):
    """Have the stand-in answer these passes."""
    simulator.clear_faults()
    body = json.dumps({"success": True, "timestamp": 1_700_000_000_000, "result": list(keys)})
    simulator.fault(LIST, "body", body=body)


def read_passes(connection):
    return read(connection, Kind.TEMP_KEYS)


def there():
    return TempKey.objects.filter(gone_at=None).order_by("pk")
