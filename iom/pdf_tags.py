"""What WeasyPrint leaves to be desired in the tags of a PDF: scopes of headers, running heads, empty elements.

It links header cells with data cells by their ids, and says no scope (ISO 32000-1, 14.8.5.7); what stands in the
margins is marked as content that belongs to no element, where PDF/UA asks for an artifact (ISO 14289-1, 7.1 and 7.8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydyf


def mend(pdf: Any) -> None:
    """Complete the tags of a tagged document before it is written; one without tags stays as it is."""
    objects = {thing.reference: thing for thing in pdf.objects}
    root = objects.get(pdf.catalog.get("StructTreeRoot"))
    if root is None:
        return
    linked: set[bytes] = set()
    for reference, element, in_head in _elements(root["K"], objects):
        linked.add(reference)
        if element["S"] == "/TH":
            element["A"]["Scope"] = "/Column" if in_head else "/Row"
        _drop_empty_spans(element, objects)
    _margins_are_artifacts(pdf, objects, objects[root["ParentTree"]]["Nums"], linked)


def _elements(kids: Any, objects: dict[bytes, Any], in_head: bool = False) -> Iterator[tuple[bytes, Any, bool]]:
    """Each element below, with whether it stands in the head of a table."""
    waiting = [(kid, in_head) for kid in reversed(kids)]
    while waiting:
        reference, in_head = waiting.pop()
        element = objects.get(reference)
        if element is None or element.get("Type") != "/StructElem":
            continue
        yield reference, element, in_head
        here = in_head or element["S"] == "/THead"
        waiting += [(kid, here) for kid in reversed(element["K"])]


def _drop_empty_spans(element: Any, objects: dict[bytes, Any]) -> None:
    """A span that only draws a shape says nothing."""
    kept = [kid for kid in element["K"] if not _is_empty_span(objects.get(kid))]
    if len(kept) < len(element["K"]):
        element["K"] = pydyf.Array(kept)


def _is_empty_span(element: Any) -> bool:
    return element is not None and element.get("S") == "/Span" and not element["K"] and "Alt" not in element


def _margins_are_artifacts(pdf: Any, objects: dict[bytes, Any], nums: Any, linked: set[bytes]) -> None:
    """What no element of the tree holds is running head and foot, and no content."""
    of_pages = dict(zip(nums[::2], nums[1::2], strict=True))
    for page in pdf.objects:
        if not isinstance(page, pydyf.Dictionary) or page.get("Type") != "/Page":
            continue
        held = of_pages.get(page.get("StructParents"))
        loose = {number for number, reference in enumerate(held or ()) if reference not in linked}
        for number in loose:
            objects[held[number]].clear()
            held[number] = b"null"
        parts = objects[page["Contents"]].stream
        for place, part in enumerate(parts):
            if isinstance(part, pydyf.Dictionary) and part.get("MCID") in loose:
                parts[place - 1 : place + 1] = ["/Artifact", pydyf.Dictionary({"Type": "/Pagination"})]
