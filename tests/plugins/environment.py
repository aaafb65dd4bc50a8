"""Gives each test process a data folder of its own, before the settings are read."""

import atexit
import os
import shutil
import tempfile

folder = tempfile.mkdtemp(prefix="gatehouse-test-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ["DATA"] = folder
os.environ["GATEHOUSE_ENV"] = "development"
# Nothing listens there unless the test runner started a Redis and says where.
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")
# Playwright's synchronous API runs an event loop in the test's thread; the ORM calls beside it are meant.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
