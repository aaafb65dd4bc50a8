"""Who calls, and how we were reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .estate import Family
from .wire import Refused
from .world import Credentials, World


@dataclass(frozen=True)
class Caller:
    """``base_url`` is the address the caller used: those of pictures are made from it.

    ``refuses``: the accounts whose rows of a batch a fault refuses.
    """

    world: World
    account_id: str
    base_url: str
    refuses: Mapping[str, Refused] = field(default_factory=dict)

    def family(self, param: Any) -> Family:
        """The family named in the fields; raises Refused when the account is not in it."""
        return self.world.family(self.account_id, param["residence_id"])

    def credentials(self, param: Any) -> Credentials:
        """The account's own credentials in the family named; raises Refused as ``family`` does."""
        return self.world.credentials_of(self.account_id, self.family(param).residence_id)

    def code(self, kind: str, param: Any) -> str:
        return self.world.code(kind, self.account_id, self.family(param).residence_id)
