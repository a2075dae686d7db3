"""Public keys in all the spellings they come in, and what is wrong with one."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.signature import PublicKeyUnreadable, Signatures, SignatureWrong, public_keys
from gateway.wiring import running
from tests.gateway.conftest import NOBODY, gateway_settings

PRIVATE = Ed25519PrivateKey.generate()
KEY = PRIVATE.public_key()
RAW = KEY.public_bytes(Encoding.Raw, PublicFormat.Raw)
SPKI = KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PEM = KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
OTHER_KIND = ec.generate_private_key(ec.SECP256R1()).public_key()
PUBLISHED = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM.replace("\n", "\\n"),
        base64.b64encode(SPKI).decode(),
        base64.b64encode(RAW).decode(),
        SPKI.hex(),
        RAW.hex().upper(),
    ],
    ids=["pem", "pem in one line", "spki", "raw", "spki in hex", "raw in hex"],
)
def test_a_key_is_read_however_it_is_written(text):
    assert public_keys([text]) == [KEY]


def test_a_file_may_hold_several_keys(tmp_path):
    other = Ed25519PrivateKey.generate()
    pem = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "keys.pem").write_text(PEM + pem.decode())

    read = public_keys([str(tmp_path / "keys.pem"), PUBLISHED])

    assert read[:2] == [KEY, other.public_key()]
    assert len(read) == 3
    Signatures(read).check(other.sign(b"body"), b"body")
    with pytest.raises(SignatureWrong):
        Signatures(read).check(other.sign(b"body"), b"Body")


@pytest.mark.parametrize(
    "text",
    [
        "nowhere.pem",
        "/",
        RAW[:31].hex(),
        base64.b64encode(b"x" * 44).decode(),
        PEM.replace("PUBLIC", "PRIVATE"),
        PEM[:60],
        OTHER_KIND.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    ],
    ids=["no file", "a folder", "cut off", "no key", "private", "half", "of another kind"],
)
async def test_a_gateway_with_a_key_it_cannot_read_does_not_start(text, tmp_path):
    settings = gateway_settings(
        f"postgresql://{NOBODY}/gateway", tmp_path, highlevel_keys=(PUBLISHED, text)
    )

    with pytest.raises(PublicKeyUnreadable, match="GATEWAY_HIGHLEVEL_KEYS: key 2 cannot be read"):
        async with running(settings):
            pass
