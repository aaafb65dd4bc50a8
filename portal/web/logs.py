"""What a log may say of addresses that are secrets."""

import logging
import re

# A link that joins, one of a visitor, one that sets a password, one that confirms an address: what follows is the secret.
_SECRETS = re.compile(r"(/join/|/v/|/password/reset/key/|/confirm-email/)[^/\s'\"]+")


class SecretPaths(logging.Filter):
    """Takes the secrets out of paths: Django logs the path of every answer from 400 on."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        kept = _SECRETS.sub(r"\1…", said)
        if kept != said:
            record.msg, record.args = kept, ()
        return True
