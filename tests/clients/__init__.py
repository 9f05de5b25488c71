"""The clients that people use, unmodified, each in an environment of its own, against the gateway."""

import pytest

pytest.register_assert_rewrite("tests.clients.conformance", "tests.clients.program")
