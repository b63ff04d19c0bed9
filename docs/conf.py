"""Settings of Sphinx. Build with ``python -m sphinx -W docs docs/_build``."""

import shutil
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

import skimdb  # noqa: E402

project = "skimdb"
author = "The skimdb developers"
copyright = author
version = release = skimdb.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
]
exclude_patterns = ["_build", "_templates", "examples", "benchmarks/results/**/*-summary.md"]
templates_path = ["_templates"]
default_role = "literal"
# Every reference to an object of this package must be found. Those to others need a network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!skimdb\.).*")]

autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("skimdb",),
    "reference_url": {"skimdb": None},
    "ignore_pattern": r"^texts\.py$",
    "abort_on_example_error": True,
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": ("_repr_html_",),
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_title = f"skimdb {version}"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "show_toc_level": 2,
}


def copy_results(_: Sphinx) -> None:
    """Bring the committed pages of the benchmarks into the documentation."""
    target = HERE / "benchmarks" / "results"
    shutil.rmtree(target, ignore_errors=True)
    ignored = shutil.ignore_patterns("*.json", "*.html", "fits")
    shutil.copytree(ROOT / "benchmarks" / "results", target, ignore=ignored)


def skip_members_of_others(*event: Any) -> bool | None:
    """Leave out methods of scikit-learn, scikeras and others, and the work-arounds for them."""
    member = event[3]
    module = getattr(getattr(member, "fget", member), "__module__", None) or "skimdb"
    is_own = module.startswith("skimdb") and module != "skimdb.utils._fixes"
    return None if is_own else True


def find_by_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Find an object that is named without its module, or by its name in `skimdb` itself."""
    if node.get("refdomain") != "py":
        return None
    ending = "." + node["reftarget"].removeprefix("skimdb.")
    found = [
        (name, entry)
        for name, entry in env.domains.python_domain.objects.items()
        if name.endswith(ending) and not entry.aliased
    ]
    if len(found) != 1:
        return None
    ((name, entry),) = found
    return make_refnode(
        app.builder, node["refdoc"], entry.docname, entry.node_id, content, title=name
    )


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("builder-inited", copy_results, priority=1)
    app.connect("autodoc-skip-member", skip_members_of_others)
    app.connect("missing-reference", find_by_short_name)
