"""Sealing what is secret at rest with SECRET_KEY, and finding it again.

Account secrets, the settings' values and stored responses are sealed with Fernet (AES-128-CBC and HMAC-SHA256),
under a key that scrypt derives from SECRET_KEY. An account is found by a keyed digest of its secret. Without SECRET_KEY
nothing is sealed: a key kept beside the data would protect nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken

from grok2api.errors import ConfigurationError, StorageUnavailable

_SEALED = "fernet:"
_CHECKED = "grok2api key check"


class Vault:
    """key: SECRET_KEY, empty when there is none."""

    def __init__(self, key: str = "") -> None:
        self._fernet: Fernet | None = None
        self._digest_key = b""
        if key:
            # The cost of guessing a key that a person made up; paid once per process.
            derived = hashlib.scrypt(key.encode(), salt=b"grok2api", n=2**14, r=8, p=1, dklen=64)
            self._fernet = Fernet(base64.urlsafe_b64encode(derived[:32]))
            self._digest_key = derived[32:]

    @property
    def check_value(self) -> str | None:
        """What is kept beside the data to know the key again; None without a key."""
        return self.digest(_CHECKED) if self._fernet is not None else None

    def verify(self, kept: str | None) -> None:
        """Compare with the check value beside the data. Raises ConfigurationError for a wrong or missing key;
        data that is not sealed yet (None) fits every vault."""
        if kept is None or kept == self.check_value:
            return
        if self._fernet is None:
            raise ConfigurationError(
                "SECRET_KEY is not set, but the stored secrets are encrypted with one. Set it."
            )
        raise ConfigurationError("SECRET_KEY is not the key that the stored secrets are encrypted with.")

    def seal(self, text: str) -> str:
        if self._fernet is None:
            return text
        return _SEALED + self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text again; what was never sealed is given as it is. Raises StorageUnavailable for another key's."""
        return self._decrypt(sealed).decode() if sealed.startswith(_SEALED) else sealed

    def seal_bytes(self, content: bytes) -> str:
        """As text, a third longer than the content: base64 also without a key."""
        if self._fernet is None:
            return base64.b64encode(content).decode()
        return _SEALED + self._fernet.encrypt(content).decode()

    def open_bytes(self, sealed: str) -> bytes:
        """The bytes again. Raises StorageUnavailable for another key's."""
        return self._decrypt(sealed) if sealed.startswith(_SEALED) else base64.b64decode(sealed)

    def digest(self, secret: str) -> str:
        """What a secret is found by: HMAC-SHA256 in hex, plain SHA-256 without a key."""
        if self._fernet is None:
            return hashlib.sha256(secret.encode()).hexdigest()
        return hmac.new(self._digest_key, secret.encode(), "sha256").hexdigest()

    def _decrypt(self, sealed: str) -> bytes:
        if self._fernet is None:
            raise StorageUnavailable("The storage has been encrypted. Restart with SECRET_KEY.")
        try:
            return self._fernet.decrypt(sealed.removeprefix(_SEALED))
        except InvalidToken as error:
            raise StorageUnavailable("The storage has another SECRET_KEY by now. Restart with it.") from error
