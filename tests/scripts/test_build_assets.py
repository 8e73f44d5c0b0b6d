import re

import pytest

from scripts.build_assets import CHECKOUT, FACES, Unexpected, build, images_named, plain_css, plain_script

VENDOR = CHECKOUT / "static" / "vendor"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            ".a{font-family:GDS Transport,arial,sans-serif}",
            '.a{font-family:Arial,"Liberation Sans",Helvetica,sans-serif}',
        ),
        (".a{}@font-face{font-family:GDS Transport;src:url(/assets/fonts/x.woff)}.b{}", ".a{}.b{}"),
        (".logo:before{background:url(/assets/images/govuk-crest.svg)}.b{color:red}", ".b{color:red}"),
        (".a,.govuk-footer__crown{margin:0}", ".a{margin:0}"),
        ("@media print{.x__crest{margin:0}.b{margin:0}}", "@media print{.b{margin:0}}"),
        (
            ".a{background:url(/assets/images/icon-document.svg)}",
            ".a{background:url(images/icon-document.svg)}",
        ),
        (".a{}/*# sourceMappingURL=x.css.map */", ".a{}"),
    ],
    ids=["typeface", "font-face", "crest-image", "one-of-two-selectors", "inside-media", "image", "map"],
)
def test_plain_css_takes_out_the_identity(given, expected):
    assert plain_css(given) == expected + "\n"


def test_plain_script_loses_its_map():
    assert plain_script("export{a};//# sourceMappingURL=a.js.map") == "export{a};\n"


def test_build_refuses_a_package_that_changed(tmp_path):
    govuk = tmp_path / "node_modules" / "govuk-frontend" / "dist" / "govuk"
    govuk.mkdir(parents=True)
    (govuk / "govuk-frontend.min.css").write_text(".a{font:16px 'GDS Transport'}")
    (govuk / "govuk-frontend.min.js").write_text("export{}")

    with pytest.raises(Unexpected, match="GDS Transport"):
        build(tmp_path / "node_modules", tmp_path / "vendor")

    assert not (tmp_path / "vendor").exists()


@pytest.mark.parametrize("name", ["govuk-frontend.min.css", "moj-frontend.min.css", "govuk-frontend.min.js"])
def test_served_files_hold_nothing_of_the_identity(name):
    text = (VENDOR / name).read_text()

    assert re.findall(r"gds transport|crown|crest|@font-face|sourceMappingURL|/assets/", text, re.IGNORECASE) == []
    assert len(text) > 40_000


def test_every_image_that_is_named_is_served_and_no_other():
    named = set()
    for name in ("govuk-frontend.min.css", "moj-frontend.min.css"):
        named |= images_named((VENDOR / name).read_text())

    assert {path.name for path in (VENDOR / "images").iterdir()} == named


def test_typefaces_of_the_documents_are_served_with_their_licence():
    assert {path.name for path in (VENDOR / "fonts").iterdir()} == {*FACES, "LICENSE"}


def test_lock_file_names_no_address_and_pins_every_package():
    text = (CHECKOUT / "package-lock.json").read_text()

    assert '"resolved"' not in text
    assert text.count('"integrity"') == 4
