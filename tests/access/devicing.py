"""A device of the simulator with its family and the organisation's connection: what the tests of devices share."""

import json
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from access.models import Device
from families.models import Family, Reach
from portal.connections.tokens import StoredTokens
from portal.upstream.client import Client as Upstream
from tests.factories import ConnectionFactory, DeviceFactory, MemberFactory, ReachFactory, RelayFactory
from tests.plugins.simulator import SimulatorProcess

CHECK = "check_akuvox_device_permission"
LIST = "get_akuvox_device_list"


@dataclass
class Fitted:
    """A family of the simulator with its devices, as a sync would have them."""

    simulator: SimulatorProcess
    family: Family
    devices: list[Device]
    reach: Reach

    @property
    def device(self) -> Device:
        return self.devices[0]

    @classmethod
    def of(cls, simulator: SimulatorProcess, **wanted: Any) -> "Fitted":
        """``wanted`` is said of the family."""
        wanted = {"auth": "admin", "is_gone": False} | wanted
        told = next(
            each
            for each in simulator.estate()["families"]
            if each["devices"] and all(each[name] == value for name, value in wanted.items())
        )
        reach = ReachFactory(
            connection=ConnectionFactory(
                name="Riverside", base_url=simulator.url, access_token=simulator.token
            ),
            family__residence_id=told["residence_id"],
            family__name=told["family_name"],
            account_id=simulator.sign_in["account_id"],
        )
        MemberFactory(family=reach.family, account_id=reach.account_id, first_name="Office", last_name="Desk")
        devices = [cls.device_of(reach.family, each) for each in told["devices"]]
        return cls(simulator, reach.family, devices, reach)

    @staticmethod
    def device_of(family: Family, told: dict[str, Any]) -> Device:
        device = DeviceFactory(
            family=family,
            mac=told["mac"],
            name=told["device_name"],
            device_type=told["device_type"],
            is_online=told["online"],
            is_public=told["is_public"],
            sip=told["sip"],
            stream_address="rtsp://10.20.0.1:554/live",
        )
        for one in told["relays"]:
            RelayFactory(device=device, relay_id=one["relay_id"], name=one["relay_name"])
        return device

    def path(self, name: str = "device_detail", device: Device | None = None) -> str:
        return reverse(f"access:{name}", args=[(device or self.device).public_id])

    def stream(self, device: Device | None = None) -> str:
        """The whole address that the simulator holds for a device, asked past the portal."""
        client = Upstream(self.reach.connection.base_url, StoredTokens(self.reach.connection.pk))
        rows = client.get_akuvox_device_list(residence_id=self.family.residence_id).result
        self.simulator.clear_journal()
        return next(row.stream_address for row in rows if row.mac == (device or self.device).mac)

    def answers(self, command: str, result: Any) -> None:
        """From now on a command is answered with this."""
        body = json.dumps({"success": True, "timestamp": 1_700_000_000_000, "result": result})
        self.simulator.fault(command, "body", body=body)
