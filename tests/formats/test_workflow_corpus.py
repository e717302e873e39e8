"""The official templates against what the editor exports for them (recorded with frontend 1.48.7).

The sources of the templates are in the package ``comfyui-workflow-templates-json``; without it these tests are skipped.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from comfygraph.catalogue import Catalogue
from comfygraph.errors import FormatError
from comfygraph.formats.workflow import is_workflow, to_api

package = pytest.importorskip("comfyui_workflow_templates_json")
TEMPLATES = Path(package.__file__).parent / "templates"
EXPORTS: dict[str, dict[str, Any]] = json.loads(
    gzip.decompress((Path(__file__).parents[1] / "data" / "official_prompts.json.gz").read_bytes())
)
CATALOGUE = Catalogue.bundled()


def template(name: str) -> Any:
    return json.loads((TEMPLATES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_a_template_converts_to_what_the_editor_exports(name: str) -> None:
    # Titles, too; a release of the templates other than 0.1.47 may differ.
    assert to_api(template(name), CATALOGUE) == EXPORTS[name]


def test_every_template_converts_or_names_the_classes_that_are_missing() -> None:
    seen = 0
    for path in sorted(TEMPLATES.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if not is_workflow(data):
            continue
        seen += 1
        try:
            prompt = to_api(data, CATALOGUE)
        except FormatError as error:
            if "that the catalogue does not have" in str(error):
                continue
            raise
        for node in prompt.values():
            assert node["class_type"] in CATALOGUE
            for value in node["inputs"].values():
                if isinstance(value, list):
                    source, slot = value
                    assert 0 <= slot < len(CATALOGUE[prompt[source]["class_type"]].outputs), path.name
    assert seen >= len(EXPORTS)
