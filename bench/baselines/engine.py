"""Our template engine, which does not look for the templates of the baselines."""

from __future__ import annotations

from typing import Any

from django.template import TemplateDoesNotExist
from django.template.backends.jinja2 import Jinja2


class Ours(Jinja2):
    """Says at once that it has none of theirs: looking for a file that is not there would be counted against them."""

    def get_template(self, template_name: str) -> Any:
        if template_name.startswith(("admin/", "bench/")):
            raise TemplateDoesNotExist(template_name, backend=self)
        return super().get_template(template_name)
