"""The triggers that refuse to change or delete an entry, on both databases."""

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "audit_entry"

SQLITE = {
    f"{TABLE}_no_update": f"""CREATE TRIGGER {TABLE}_no_update BEFORE UPDATE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END""",
    f"{TABLE}_no_delete": f"""CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'an audit entry is never deleted'); END""",
}
BODY = """
    BEGIN RAISE EXCEPTION 'an audit entry is never changed or deleted' USING ERRCODE = 'restrict_violation'; END """
FUNCTION = f"CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $${BODY}$$"
POSTGRESQL = {
    f"{TABLE}_no_change": f"""CREATE TRIGGER {TABLE}_no_change BEFORE UPDATE OR DELETE ON {TABLE}
        FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()""",
    f"{TABLE}_no_truncate": f"""CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()""",
}
# What pg_trigger.tgtype says of each: before, for each row, on update and delete; before, on truncate.
KINDS = {f"{TABLE}_no_change": 1 | 2 | 8 | 16, f"{TABLE}_no_truncate": 2 | 32}


def missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of the triggers that are not there, not switched on, or not what we made."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT t.tgname, t.tgtype FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
                "WHERE t.tgrelid = to_regclass(%s) AND t.tgenabled IN ('O', 'A') AND t.tgqual IS NULL "
                "AND p.proname = %s AND p.prosrc = %s",
                [TABLE, f"{TABLE}_refuse", BODY],
            )
            present = {name for name, kind in cursor.fetchall() if KINDS.get(name) == kind}
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE]
            )
            present = {name for name, sql in cursor.fetchall() if SQLITE.get(name) == sql}
    return sorted(set(_wanted(connection)) - present)


def put_triggers(connection: BaseDatabaseWrapper) -> None:
    """Make the triggers that are not there. Runs after every migrate: SQLite drops them when it remakes the table."""
    missing = missing_triggers(connection)
    if not missing:
        return
    wanted = _wanted(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(FUNCTION)
        for name in missing:
            # One that was switched off or changed is still there: it goes before it is made again.
            on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")
            cursor.execute(wanted[name])


def _wanted(connection: BaseDatabaseWrapper) -> dict[str, str]:
    return POSTGRESQL if connection.vendor == "postgresql" else SQLITE
