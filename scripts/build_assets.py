"""Copies the third-party files that we serve from node_modules/ to static/vendor/, without GOV.UK's identity.

Services outside GOV.UK may use GOV.UK Frontend, but not its typeface (licensed for gov.uk), crown and crest.
What is copied is what the style sheets name; neither folder is kept in git. Nothing but the standard library
is used: this runs before anything is installed.
"""

import re
import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
TYPEFACE = 'Arial,"Liberation Sans",Helvetica,sans-serif'
FACES = tuple(
    f"source-sans-3-{script}-{weight}-{slope}.woff2"
    for script in ("latin", "latin-ext")
    for weight in (400, 700)
    for slope in ("normal", "italic")
)
# What we use of the Ministry's scripts, and what that needs; the style sheet is one file.
MODULES = (
    "components/alert/alert.mjs",
    "components/button-menu/button-menu.mjs",
    "components/multi-select/multi-select.mjs",
    "common/index.mjs",
    "helpers.mjs",
)
FORBIDDEN = re.compile(r"gds transport|@font-face|crown|crest|sourcemappingurl|/assets/", re.IGNORECASE)
IDENTITY = re.compile(r"crown|crest", re.IGNORECASE)
# A rule without rules inside it: the style sheets are minified, so this is exact but for strings with braces.
RULE = re.compile(r"(?P<selectors>[^{};]*)\{(?P<body>[^{}]*)\}")


class Unexpected(Exception):
    """A package does not look as it did when this script was written."""


def plain_css(text: str) -> str:
    """A style sheet without GOV.UK's typeface, crown and crest, its images beside it."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"@font-face\{[^}]*\}", "", text)
    text = re.sub(r'"?GDS Transport"?,\s*arial,\s*sans-serif', lambda _: TYPEFACE, text, flags=re.IGNORECASE)
    text = RULE.sub(_without_identity, text)
    return text.replace("/assets/images/", "images/").strip() + "\n"


def _without_identity(rule: re.Match[str]) -> str:
    if IDENTITY.search(rule["body"]):
        return ""
    kept = [selector for selector in rule["selectors"].split(",") if not IDENTITY.search(selector)]
    if len(kept) == len(rule["selectors"].split(",")):
        return rule[0]
    return f"{','.join(kept)}{{{rule['body']}}}" if kept else ""


def plain_script(text: str) -> str:
    """A script without its documentation, and without the line that names its map, which we do not serve."""
    text = re.sub(r"^[ \t]*/\*\*.*?\*/[ \t]*\n", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"//# sourceMappingURL=\S*", "", text).strip() + "\n"


def images_named(css: str) -> set[str]:
    """The names of the images that a style sheet of ours shows."""
    return set(re.findall(r'url\(["\']?images/([^"\')]+)', css))


def build(modules: Path, target: Path) -> None:
    """Fill `target` afresh from `modules`; raises Unexpected if anything of the identity would be left."""
    govuk = modules / "govuk-frontend" / "dist" / "govuk"
    moj = modules / "@ministryofjustice" / "frontend" / "moj"
    made = target.with_name(f"{target.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    (made / "images").mkdir(parents=True)
    (made / "fonts").mkdir()
    for folder, name in ((govuk, "govuk-frontend.min.css"), (moj, "moj-frontend.min.css")):
        css = _written(made / name, plain_css((folder / name).read_text(encoding="utf-8")))
        for image in images_named(css):
            shutil.copy(folder / "assets" / "images" / image, made / "images" / image)
    for source, path in (
        (govuk / "govuk-frontend.min.js", "govuk-frontend.min.js"),
        *((moj / module, f"moj/{module}") for module in MODULES),
    ):
        _written(made / path, plain_script(source.read_text(encoding="utf-8")))
    faces = modules / "@fontsource" / "source-sans-3"
    for face in FACES:
        shutil.copy(faces / "files" / face, made / "fonts" / face)
    shutil.copy(faces / "LICENSE", made / "fonts" / "LICENSE")
    _licences(modules, made)
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)


def _written(file: Path, text: str) -> str:
    """Write `text` if nothing of the identity is left in it; returns it."""
    if left := FORBIDDEN.search(text):
        raise Unexpected(f"{file.name} still holds {left[0]!r}: look at what changed in the package.")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return text


def _licences(modules: Path, made: Path) -> None:
    """Say what these files are: two of the packages carry no licence file, only its name."""
    (made / "README").write_text(
        "Made by scripts/build_assets.py from packages of the npm registry; do not edit.\n"
        "govuk-frontend: MIT, (c) Government Digital Service. Changed: typeface, crown and crest taken out.\n"
        "@ministryofjustice/frontend: MIT, (c) Ministry of Justice. Changed likewise.\n"
        "@fontsource/source-sans-3: SIL Open Font License 1.1, see fonts/LICENSE.\n",
        encoding="utf-8",
    )
    for package in ("govuk-frontend", "@ministryofjustice/frontend", "@fontsource/source-sans-3"):
        if not (modules / package / "package.json").exists():
            raise Unexpected(f"{package} is not in {modules}.")


def main() -> int:
    """Build from the checkout's node_modules/."""
    try:
        build(CHECKOUT / "node_modules", CHECKOUT / "static" / "vendor")
    except (Unexpected, OSError) as error:
        sys.stderr.write(f"The style sheets could not be made: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
