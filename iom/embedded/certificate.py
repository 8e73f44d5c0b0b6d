"""The certificate that an embedded installation makes for itself, once: it proves sameness, not identity."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

NAME = "IOM Panel, a certificate it made itself"
FILE = "signing.p12"
YEARS = 10
BITS = 3072


def own_certificate(home: Path) -> Path:
    """The PKCS#12 file with key and certificate in IOM_HOME, which only its owner may read; made if there is none."""
    path = home / FILE
    if path.exists():
        return path
    content = _made(datetime.fromtimestamp(time.time(), UTC))  # the panel's clock needs settings, which come later
    part = home / f".{FILE}.{os.getpid()}"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    try:
        # Of two that start at once the first one's stays.
        os.link(part, path)
    except FileExistsError:
        pass
    finally:
        part.unlink()
    return path


def _made(now: datetime) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(NAME.encode(), key, certificate, None, NoEncryption())
