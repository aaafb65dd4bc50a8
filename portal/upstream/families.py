"""The family commands as typed methods, each named as on the wire."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from portal.upstream.answers import Answer
from portal.upstream.calling import Caller, Options
from portal.upstream.types import CreatedAccount, FamilyInfo, FamilySummary, RemoteConnect


class FamilyCommands(Caller):
    """Commands 1 to 12 of the reference."""

    def get_family_list(self, **options: Unpack[Options]) -> Answer[list[FamilySummary]]:
        """The families that the token's account belongs to."""
        return self.call("get_family_list", {}, **options)

    def get_family_info(self, *, residence_id: str, **options: Unpack[Options]) -> Answer[FamilyInfo]:
        """A family's name, state and accounts; the owner may be missing from them."""
        return self.call("get_family_info", {"residence_id": residence_id}, **options)

    def update_family_info(
        self, *, residence_id: str, family_name: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Rename a family."""
        return self.call(
            "update_family_info", {"residence_id": residence_id, "family_name": family_name}, **options
        )

    def change_family_admin(
        self, *, residence_id: str, account_id: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Hand the family over to another account, which becomes its owner."""
        return self.call(
            "change_family_admin", {"residence_id": residence_id, "account_id": account_id}, **options
        )

    def invite_family_account(
        self, *, residence_id: str, email: str, auth: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Invite an address into the family as `user` or `guest`."""
        return self.call(
            "invite_family_account", {"residence_id": residence_id, "email": email, "auth": auth}, **options
        )

    def account_join_family(
        self, *, residence_id: str, auth: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Join the token's own account to the family as `user` or `guest`."""
        return self.call("account_join_family", {"residence_id": residence_id, "auth": auth}, **options)

    def create_family_account(
        self,
        *,
        residence_id: str,
        first_name: str,
        last_name: str,
        email: str,
        auth: str,
        password: str | None = None,
        **options: Unpack[Options],
    ) -> Answer[CreatedAccount]:
        """Make an account in the family; the result names it."""
        return self.call(
            "create_family_account",
            {
                "residence_id": residence_id,
                "first_name": first_name,
                "last_name": last_name,
                "email": email,
                "auth": auth,
                "password": password,
            },
            **options,
        )

    def update_family_account_auth(
        self, *, residence_id: str, account_id: str, auth: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Set one account's rights to `user` or `guest`."""
        return self.call(
            "update_family_account_auth",
            {"residence_id": residence_id, "account_id": account_id, "auth": auth},
            **options,
        )

    def batch_update_family_account_auth(
        self, *, residence_id: str, accounts: Sequence[Mapping[str, str]], **options: Unpack[Options]
    ) -> Answer[None]:
        """Set the rights of several accounts: `[{account_id, auth}]`."""
        return self.call(
            "batch_update_family_account_auth",
            {"residence_id": residence_id, "accounts": accounts},
            **options,
        )

    def delete_family_account(
        self, *, residence_id: str, account_id: str, **options: Unpack[Options]
    ) -> Answer[None]:
        """Remove an account from the family."""
        return self.call(
            "delete_family_account", {"residence_id": residence_id, "account_id": account_id}, **options
        )

    def batch_delete_family_account(
        self, *, residence_id: str, accounts: Sequence[Mapping[str, str]], **options: Unpack[Options]
    ) -> Answer[None]:
        """Remove several accounts from the family: `[{account_id}]`."""
        return self.call(
            "batch_delete_family_account", {"residence_id": residence_id, "accounts": accounts}, **options
        )

    def get_family_remote_connect(
        self, *, residence_id: str, **options: Unpack[Options]
    ) -> Answer[RemoteConnect]:
        """The address of the family's own panel, a secret, and whether it is online."""
        return self.call("get_family_remote_connect", {"residence_id": residence_id}, **options)
