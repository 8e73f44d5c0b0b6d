"""Certificates for tests: an authority, what it issues, and a service that stamps times."""

from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import keys
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper


@cache
def key(name):
    return rsa.generate_private_key(65537, 2048)


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(name, *, issuer="Example Authority", ends=None, stamps=False):
    ends = ends or datetime.now(UTC) + timedelta(days=400)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(ends, datetime.now(UTC)) - timedelta(days=30))
        .not_valid_after(ends)
    )
    if stamps:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return builder.sign(key(issuer), hashes.SHA256())


def issued(folder, passphrase, *, ends=None):
    """A PKCS#12 file with an organisation's certificate, its key and the authority's certificate."""
    path = folder / "issued.p12"
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    name = "Merton Council EXAMPLE"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"signing", key(name), certificate(name, ends=ends), [certificate("Example Authority")], lock
        )
    )
    return path


def time_stamper():
    """A service that stamps times with a certificate of its own, within this process."""
    name = "Example Clock"
    private = key(name).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return DummyTimeStamper(
        asn1.Certificate.load(certificate(name, stamps=True).public_bytes(Encoding.DER)),
        keys.PrivateKeyInfo.load(private),
    )
