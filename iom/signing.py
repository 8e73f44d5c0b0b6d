"""The installation's certificate: PAdES signatures on finished PDFs, and what such a signature in a file tells.

The certificate and its key are a PKCS#12 file outside the database (SIGNING_CERTIFICATE); the key is never logged. One
that the installation made for itself proves that a file is the same as the one signed here, not who signed it
(docs/signing.md, security.md E4).
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.core import checks

from iom import clock

log = logging.getLogger(__name__)

SOON = timedelta(days=30)
FIELD = "Signature"
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")


class SigningUnavailable(RuntimeError):
    """A certificate is configured and cannot sign now; the words say why, without its contents."""


class TimeStampUnavailable(SigningUnavailable):
    """The time stamp service did not give its stamp."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of the certificate that signs."""

    name: str
    issuer: str
    begins_at: datetime
    ends_at: datetime
    sha256: str

    @property
    def is_self_made(self) -> bool:
        """Whether nobody else vouches for it: it then proves sameness, not identity."""
        return self.name == self.issuer


def is_configured() -> bool:
    """Whether PDFs are to be signed at all."""
    return bool(settings.SIGNING_CERTIFICATE)


def certificate() -> Certificate | None:
    """The certificate that signs; None where none is configured. Raises SigningUnavailable."""
    if not is_configured():
        return None
    held = _opened().cert.certificate
    return Certificate(
        name=_called(held.subject),
        issuer=_called(held.issuer),
        begins_at=held.not_valid_before_utc,
        ends_at=held.not_valid_after_utc,
        sha256=hashlib.sha256(held.public_bytes(Encoding.DER)).hexdigest(),
    )


def usable() -> Certificate | None:
    """The certificate, if it holds today; None where none is configured. Raises SigningUnavailable."""
    held = certificate()
    if held is None:
        return None
    if clock.now() > held.ends_at:
        raise SigningUnavailable(f"The signing certificate ended on {held.ends_at:%d.%m.%Y}.")
    if clock.now() < held.begins_at:
        raise SigningUnavailable(f"The signing certificate begins only on {held.begins_at:%d.%m.%Y}.")
    return held


def in_words(held: Certificate) -> str:
    """What a signature with this certificate proves: for the file itself, the pages and the docs."""
    if held.is_self_made:
        return (
            "This file carries a digital signature (PAdES) of this service, whose certificate the service made itself. "
            "It proves that the file is the same as the one signed here, not who signed."
        )
    return (
        f"This file is digitally signed (PAdES) with the certificate of {held.name}, issued by {held.issuer}. "
        "Readers of PDFs show whether it was changed since."
    )


def sign(pdf: bytes, *, reason: str) -> bytes:
    """The PDF with an invisible PAdES signature that allows no change after it; the bytes before it stay as they were.

    With SIGNING_TIMESTAMPS a time stamp of that service (RFC 3161) is in it: B-T, else B-B. Raises SigningUnavailable,
    also for a certificate that has ended.
    """
    held = usable()
    if held is None:
        raise SigningUnavailable("No signing certificate is configured.")
    for trouble in troubles():
        log.warning(trouble)
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    class AsItWas(IncrementalPdfFileWriter):
        """Leaves the metadata alone: what is in the document must agree with itself (ISO 19005-3, 6.6.3)."""

        def _update_meta(self) -> None:
            pass

    signer = signers.PdfSigner(
        signers.PdfSignatureMetadata(
            field_name=FIELD,
            certify=True,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES,
            subfilter=fields.SigSeedSubFilter.PADES,
            md_algorithm="sha256",
            reason=reason,
            name=held.name,
        ),
        signer=_signer(),
        timestamper=time_stamper(),
        new_field_spec=fields.SigFieldSpec(FIELD, on_page=-1, readable_field_name="Digital signature of this document"),
    )
    try:
        return signer.sign_pdf(AsItWas(BytesIO(pdf))).getvalue()
    except OSError as error:
        raise TimeStampUnavailable("The time stamp service did not answer.") from error


def time_stamper() -> Any:
    """Who stamps signatures with the time; None where nobody is asked."""
    if not settings.SIGNING_TIMESTAMPS:
        return None
    from pyhanko.sign.timestamps.requests_client import HTTPTimeStamper

    return HTTPTimeStamper(settings.SIGNING_TIMESTAMPS, timeout=15)


# --- What a file tells --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seal:
    """A PAdES signature found in a file: with whose certificate, and whether the signature is stamped with a time.

    `holds`: what it covers is unchanged; `covers_all`: that is the whole file. Both are False until `seal_in` looked.
    """

    name: str = ""
    issuer: str = ""
    is_stamped: bool = False
    holds: bool = False
    covers_all: bool = False

    @property
    def is_self_made(self) -> bool:
        """As for a `Certificate`."""
        return self.name == self.issuer


def seal_in(content: bytes) -> Seal | None:
    """The last signature in a file, and whether it holds; None without one.

    Only bytes are compared: nothing of the document is opened. One that cannot be read does not hold.
    """
    return _look(content, judge=True)


def named_in(content: bytes) -> Seal | None:
    """The last signature in a file that we know to be unchanged: with whose certificate; None without one."""
    return _look(content, judge=False)


def _look(content: bytes, *, judge: bool) -> Seal | None:
    found = list(_BYTE_RANGE.finditer(content))
    if not found:
        return None
    start, first, again, second = (int(number) for number in found[-1].groups())
    if start or not first < again <= again + second <= len(content):
        return Seal()
    try:
        signed = _signed_data(content[first:again])
        signer = signed["signer_infos"][0]
        cert = _certificate_of(signed, signer)
        stamps = [each["type"].native for each in signer["unsigned_attrs"] or ()]
        return Seal(
            name=_native_name(cert.subject),
            issuer=_native_name(cert.issuer),
            is_stamped="signature_time_stamp_token" in stamps,
            holds=judge and _holds(signer, cert, content[:first] + content[again : again + second]),
            covers_all=judge and again + second == len(content),
        )
    except Exception:  # noqa: BLE001 -- whatever a damaged signature makes of its reader, it does not hold
        return Seal()


def _signed_data(hexadecimal: bytes) -> Any:
    from asn1crypto import cms

    return cms.ContentInfo.load(bytes.fromhex(hexadecimal.strip(b"<>").decode("ascii")))["content"]


def _certificate_of(signed: Any, signer: Any) -> Any:
    serial = signer["sid"].chosen["serial_number"].native
    return next(each.chosen for each in signed["certificates"] if each.chosen.serial_number == serial)


def _holds(signer: Any, cert: Any, covered: bytes) -> bool:
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    digest = hashlib.sha256(covered).digest()
    intact, valid = validate_sig_integrity(signer, cert, expected_content_type="data", actual_digest=digest)
    return bool(intact and valid)


def _native_name(name: Any) -> str:
    return str(name.native.get("common_name") or name.human_friendly)


# --- Whether all is well ------------------------------------------------------


def troubles() -> Iterator[str]:
    """What is wrong with the certificate or soon will be, in words without detail; nothing where none is configured."""
    try:
        held = usable()
    except SigningUnavailable:
        yield "the signing certificate cannot be used"
        return
    if held is not None and held.ends_at < clock.now() + SOON:
        yield "the signing certificate ends within 30 days"


@checks.register(checks.Tags.security, deploy=True)
def certificate_holds(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """`manage.py check --deploy` says what signing would run into."""
    return [
        checks.Warning(
            f"{trouble[0].upper()}{trouble[1:]}.",
            hint="Put a certificate that holds in IOM_SIGNING_CERTIFICATE, as docs/signing.md says.",
            id="iom.W020",
        )
        for trouble in troubles()
    ]


# --- The file with the key ----------------------------------------------------


def _opened() -> pkcs12.PKCS12KeyAndCertificates:
    """The PKCS#12 file as it stands now. Raises SigningUnavailable."""
    path = Path(settings.SIGNING_CERTIFICATE)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SigningUnavailable("The file of the signing certificate cannot be read.") from error
    return _unlocked(content, settings.SIGNING_PASSPHRASE)


@lru_cache(maxsize=2)
def _unlocked(content: bytes, passphrase: str) -> pkcs12.PKCS12KeyAndCertificates:
    try:
        held = pkcs12.load_pkcs12(content, passphrase.encode() or None)
    except ValueError as error:
        raise SigningUnavailable("The signing certificate cannot be opened: is its passphrase right?") from error
    if held.key is None or held.cert is None:
        raise SigningUnavailable("The file of the signing certificate holds no key, or no certificate.")
    return held


def _signer() -> Any:
    from asn1crypto import keys
    from asn1crypto.x509 import Certificate as Asn1
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    def as_asn1(one: x509.Certificate) -> Any:
        return Asn1.load(one.public_bytes(Encoding.DER))

    held = _opened()
    store = SimpleCertificateStore()
    store.register_multiple([as_asn1(each.certificate) for each in held.additional_certs])
    key = held.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return SimpleSigner(
        signing_cert=as_asn1(held.cert.certificate), signing_key=keys.PrivateKeyInfo.load(key), cert_registry=store
    )


def _called(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()
