"""Assertions by which a client proves who it is: they are signed, and each is another."""

import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# Members of an assertion that differ each time.
OWN = ("iat", "exp", "jti")
LONGEST = 3600


@cache
def _key() -> rsa.RSAPrivateKey:
    """A key of this run, so that none is stored."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def with_key(settings: dict[str, str]) -> dict[str, str]:
    """Replaces `{private_key}` by the key in PEM."""
    if "{private_key}" not in settings.values():
        return settings
    pem = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {name: pem if value == "{private_key}" else value for name, value in settings.items()}


def parts(token: str | None) -> dict[str, Any]:
    """Returns the parts of an assertion that can be compared, after a look at its signature and at its times."""
    if token is None:
        return {}
    try:
        claims = jwt.decode(token, _key().public_key(), algorithms=["RS256"], options={"verify_aud": False})
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        return {"assertion": f"invalid: {error}"}
    compared = {f"assertion.{name}": value for name, value in (header | claims).items() if name not in OWN}
    return compared | {
        "assertion.members": sorted(claims),
        "assertion.lifetime": claims["exp"] - claims["iat"],
        "assertion.accepted": claims["iat"] <= time.time() < claims["exp"] <= time.time() + LONGEST,
    }
