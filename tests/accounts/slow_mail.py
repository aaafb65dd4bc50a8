"""A mail server that takes its time."""

import time
from typing import Any

from django.core.mail.backends.locmem import EmailBackend


class SlowBackend(EmailBackend):
    """Hands over after three seconds."""

    def send_messages(self, messages: Any) -> int:
        time.sleep(3)
        sent: int = super().send_messages(messages)
        return sent
