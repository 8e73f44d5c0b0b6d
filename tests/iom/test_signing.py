"""Digital signatures: with whose certificate, what they prove, what a changed file shows, and what goes wrong."""

import stat
import subprocess
from datetime import timedelta

import pytest

from iom import clock, signing, typeset
from iom.embedded.certificate import own_certificate
from tests.factories import certificates

PAGE = '<html lang="en-GB"><head><title>T</title></head><body><h1>Minutes</h1><p>Words.</p></body></html>'


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def plain(settings_fonts):
    return typeset.pdf_of(PAGE, style="", fonts=settings_fonts, variant="pdf/a-3a")


@pytest.fixture(scope="module")
def settings_fonts():
    from django.conf import settings

    return settings.PDF_FONTS


@pytest.fixture
def own(settings, home):
    settings.SIGNING_CERTIFICATE = str(own_certificate(home))
    return settings


@pytest.fixture
def authority(settings, tmp_path):
    """A certificate of an organisation, issued by an authority, in a file with a passphrase."""
    settings.SIGNING_CERTIFICATE = str(certificates.issued(tmp_path, "passphrase"))
    settings.SIGNING_PASSPHRASE = "passphrase"
    return settings


def pdfsig(content, tmp_path):
    file = tmp_path / "signed.pdf"
    file.write_bytes(content)
    return subprocess.run(["pdfsig", str(file)], capture_output=True, text=True, check=False).stdout


def test_own_certificate_is_made_once_and_only_its_owner_reads_it(home):
    path = own_certificate(home)
    before = path.read_bytes()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert own_certificate(home).read_bytes() == before
    assert [each.name for each in home.iterdir()] == ["signing.p12"]


def test_own_certificate_says_that_it_proves_sameness_and_not_identity(own):
    held = signing.usable()

    assert held.is_self_made
    assert "the same as the one signed here, not who signed" in signing.in_words(held)


def test_signed_file_holds_in_pdfsig_and_in_ours_and_begins_as_it_was(own, plain, tmp_path):
    signed = signing.sign(plain, reason="Minutes")

    said, seal = pdfsig(signed, tmp_path), signing.seal_in(signed)
    assert signed.startswith(plain)
    assert "Signature is Valid" in said
    assert "ETSI.CAdES.detached" in said
    assert "Total document signed" in said
    assert (seal.holds, seal.covers_all, seal.is_self_made, seal.is_stamped) == (True, True, True, False)
    assert signing.seal_in(plain) is None


def test_one_changed_byte_is_found_by_pdfsig_and_by_ours(own, plain, tmp_path):
    signed = bytearray(signing.sign(plain, reason="Minutes"))
    signed[len(plain) // 2] ^= 1

    assert "Digest Mismatch" in pdfsig(bytes(signed), tmp_path)
    assert not signing.seal_in(bytes(signed)).holds


def test_signature_holds_but_not_for_what_was_added_after_it(own, plain):
    seal = signing.seal_in(signing.sign(plain, reason="Minutes") + b"\n% added\n")

    assert (seal.holds, seal.covers_all) == (True, False)


@pytest.mark.parametrize(
    "content",
    [
        b"/ByteRange [0 9999999999 1 1]",
        b"/ByteRange [5 1 2 3]",
        b"%PDF /ByteRange [0 5 9 10] <nothex> and more",
        b"/ByteRange [0 1 3 1]<00>",
    ],
)
def test_damaged_signature_does_not_hold_and_breaks_nothing(content):
    assert not signing.seal_in(content).holds


def test_certificate_of_an_authority_is_named_with_its_issuer(authority, plain):
    seal = signing.seal_in(signing.sign(plain, reason="Minutes"))

    assert "certificate of Merton Council EXAMPLE, issued by Example Authority" in signing.in_words(signing.usable())
    assert (seal.name, seal.issuer, seal.holds) == ("Merton Council EXAMPLE", "Example Authority", True)


def test_time_stamp_of_a_service_is_in_the_signature(own, plain, monkeypatch):
    monkeypatch.setattr(signing, "time_stamper", certificates.time_stamper)

    seal = signing.seal_in(signing.sign(plain, reason="Minutes"))

    assert (seal.holds, seal.is_stamped) == (True, True)


def test_time_stamp_service_that_is_away_is_said_in_plain_words(own, plain):
    own.SIGNING_TIMESTAMPS = "http://127.0.0.1:9/"

    with pytest.raises(signing.TimeStampUnavailable, match="did not answer"):
        signing.sign(plain, reason="Minutes")


def test_without_a_certificate_nothing_is_wrong_and_nothing_is_signed(settings):
    assert signing.usable() is None
    assert list(signing.troubles()) == []
    assert signing.certificate_holds(None) == []


@pytest.mark.parametrize("damage", ["gone", "garbled", "locked"])
def test_certificate_that_cannot_be_opened_is_said_before_and_when_signing(settings, tmp_path, damage, plain):
    path = tmp_path / "signing.p12"
    if damage == "garbled":
        path.write_bytes(b"no certificate")
    if damage == "locked":
        path = certificates.issued(tmp_path, "another passphrase")
    settings.SIGNING_CERTIFICATE = str(path)

    with pytest.raises(signing.SigningUnavailable) as refused:
        signing.sign(plain, reason="Minutes")

    assert str(path) not in str(refused.value)
    assert list(signing.troubles()) == ["the signing certificate cannot be used"]
    assert [each.id for each in signing.certificate_holds(None)] == ["iom.W020"]


@pytest.mark.parametrize(
    ("days_left", "words"),
    [
        (-1, ["the signing certificate cannot be used"]),
        (29, ["the signing certificate ends within 30 days"]),
        (31, []),
    ],
)
def test_certificate_that_ends_is_told_30_days_before(settings, tmp_path, days_left, words):
    ends = clock.now() + timedelta(days=days_left, minutes=5)
    settings.SIGNING_CERTIFICATE = str(certificates.issued(tmp_path, "", ends=ends))

    assert list(signing.troubles()) == words
