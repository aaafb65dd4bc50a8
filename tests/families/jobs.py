"""Jobs for tests: a sheet of residents for families that the simulator has."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from families.models import Family, Job, JobRow, JobState, RowState
from families.services.jobs import running
from portal.accounts.models import User
from portal.connections.models import Connection
from tests.factories import ConnectionFactory, FamilyFactory, ReachFactory, SyncStateFactory
from tests.plugins.simulator import SimulatorProcess

INVITE = "invite_family_account"
CREATE = "create_family_account"
RIGHTS = "update_family_account_auth"
# Soon enough for tests that wait for the deadline of a command, long enough for an answer on a busy machine.
DEADLINE_SECONDS = 2.0


def reached_families(simulator: SimulatorProcess, count: int, **fields: Any) -> list[Family]:
    """Families that one connection of the organisation may administer, without their members."""
    connection = ConnectionFactory(
        **{"base_url": simulator.url, "access_token": simulator.token, "name": "Estate"} | fields
    )
    told = [each for each in simulator.estate()["families"] if each["auth"] in {"admin", "user"}]
    families = []
    for each in [one for one in told if not one["is_gone"]][:count]:
        family = FamilyFactory(residence_id=each["residence_id"], name=each["family_name"])
        account = simulator.sign_in["account_id"]
        ReachFactory(connection=connection, family=family, account_id=account, auth=each["auth"])
        SyncStateFactory(family=family)
        families.append(family)
    return families


def the_connection() -> Connection:
    return Connection.objects.get(name="Estate")


def email_of(number: int) -> str:
    return f"resident{number}@sheet.example"


def draft(maker: User, families: list[Family], rows: int, *, way: str = "invite", **options: Any) -> Job:
    """A sheet whose rows are all new, spread over the families in their order."""
    job = Job.objects.create(
        kind="residents",
        title=f"{rows} residents",
        made_by=maker,
        options={"way": way, "changes_rights": True} | options,
    )
    JobRow.objects.bulk_create(
        JobRow(
            job=job,
            number=number,
            family=families[(number - 1) * len(families) // rows],
            mark="new",
            state=RowState.WAITING,
            values={
                "first_name": "Given",
                "last_name": f"Surname{number}",
                "email": email_of(number),
                "auth": "guest",
                "member": "",
            },
        )
        for number in range(1, rows + 1)
    )
    return job


def begun(maker: User, families: list[Family], rows: int, *, way: str = "invite", **options: Any) -> Job:
    """The same, confirmed."""
    job = draft(maker, families, rows, way=way, **options)
    running.confirm(maker, job, timezone.now() + timedelta(hours=1))
    return job


def states(job: Job) -> dict[str, int]:
    """How many rows stand where."""
    found: dict[str, int] = {}
    for state in job.rows.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def state_of(job: Job) -> JobState:
    job.refresh_from_db()
    return JobState(job.state)


def sent(simulator: SimulatorProcess, command: str = INVITE) -> list[str]:
    """The addresses of the commands that were carried out, in their order."""
    return [each["param"]["email"] for each in simulator.journal(command) if each["executed"]]
