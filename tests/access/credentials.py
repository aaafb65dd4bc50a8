"""Accounts with credentials, and sending their forms as somebody: what the tests of credentials share."""

from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from access.models import Holder
from access.views.credentials.parts import purpose_of
from families.models import Family, Reach
from portal.accounts.models import User
from portal.connections.tokens import StoredTokens
from portal.upstream.client import Client as Upstream
from portal.web.presses import new_press
from tests.accounts.signing_in import sign_in_recently
from tests.factories import ConnectionFactory, MemberFactory, ReachFactory
from tests.families.house import HTMX
from tests.plugins.simulator import SimulatorProcess

GET_PIN = "get_akuvox_open_door_private_key_config"
SET_PIN = "update_akuvox_open_door_private_key_config"
GET_NFC = "get_akuvox_open_door_nfc_config"
SET_NFC = "update_akuvox_open_door_nfc_config"
GET_BLE = "get_akuvox_open_door_ble_config"
SET_BLE = "update_akuvox_open_door_ble_config"
GET_FACE = "get_akuvox_face_file_info"
SET_FACE = "update_akuvox_face_file_info"
DELETE_FACE = "delete_akuvox_face_file_info"


@dataclass
class Held:
    """A family of the simulator with the organisation's account, and perhaps somebody's own."""

    simulator: SimulatorProcess
    family: Family
    organisations: Reach

    @classmethod
    def of(cls, simulator: SimulatorProcess) -> "Held":
        told = simulator.family(auth="admin", is_gone=False)
        reach = ReachFactory(
            connection=ConnectionFactory(
                name="Riverside", base_url=simulator.url, access_token=simulator.token
            ),
            family__residence_id=told["residence_id"],
            family__name=told["family_name"],
            account_id=simulator.sign_in["account_id"],
        )
        return cls(simulator, reach.family, reach)

    def own_of(self, person: User) -> Reach:
        """The person's own account: that of a member of the family."""
        told = self.simulator.family(residence_id=self.family.residence_id)
        office = self.simulator.sign_in["account_id"]
        member = next(one for one in told["members"] if one["account_id"] != office)
        MemberFactory(
            family=self.family,
            account_id=member["account_id"],
            first_name=member["first_name"],
            last_name=member["last_name"],
        )
        return ReachFactory(
            connection=ConnectionFactory(
                owner=person,
                name=person.email,
                base_url=self.simulator.url,
                access_token=self.simulator.sign_in_of(member["email"])["token"],
            ),
            family=self.family,
            account_id=member["account_id"],
        )

    def path(self, name: str) -> str:
        return reverse(f"access:{name}", args=[self.family.public_id])

    def secret(self, command: str, field: str, reach: Reach | None = None) -> Any:
        """What the simulator holds for an account, asked past the portal."""
        connection = (reach or self.organisations).connection
        client = Upstream(connection.base_url, StoredTokens(connection.pk))
        found = client.call(command, {"residence_id": self.family.residence_id}).result
        self.simulator.clear_journal()
        return getattr(found, field)

    def pin(self, reach: Reach | None = None) -> str:
        return str(self.secret(GET_PIN, "private_key", reach))


def send(
    client: Client,
    person: User,
    held: Held,
    name: str,
    fields: dict[str, str],
    *,
    what: str = "",
    holder: str = Holder.ORGANISATION,
    reach: Reach | None = None,
    press: str = "",
    headers: dict[str, str] = HTMX,
) -> Any:
    """Send a form as somebody who signed in a moment ago, with a fresh press unless one is given."""
    if "_auth_user_id" not in client.session:
        sign_in_recently(client, person)
    fields = {"account": holder, **fields}
    if what:
        purpose = purpose_of(held.family, reach or held.organisations, what)
        fields["press"] = press or new_press(person.pk, purpose)
    return client.post(held.path(name), fields, headers=headers)
