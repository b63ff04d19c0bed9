"""Links from the HTML diagrams of estimators to their pages in the documentation."""

import skimdb

# The address of the site, such as "https://example.org/skimdb". Without one there are no links.
SITE = ""


class DocumentedMixin:
    """Mixin of estimators that have a page in the API reference."""

    @property
    def _doc_link_module(self) -> str:
        return "skimdb" if SITE else ""

    @property
    def _doc_link_template(self) -> str:
        return SITE + "/api/generated/{page}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        """Return the name of the page: the shortest one by which the class can be imported."""
        cls = type(self)
        room = "skimdb" if cls.__name__ in skimdb.__all__ else cls.__module__.rpartition("._")[0]
        return {"page": f"{room}.{cls.__name__}"}
