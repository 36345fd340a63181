"""The written documentation is current."""

import json

from helpers.builds import Build
from helpers.project import PROJECT

from tools import data_dictionary


def test_the_data_dictionary_is_current(sample: Build) -> None:
    manifest = json.loads((sample.folder / "target/manifest.json").read_text(encoding="utf-8"))
    page = (PROJECT / data_dictionary.PAGE).read_text(encoding="utf-8")
    assert page == data_dictionary.render(manifest), "`make docs` writes it"
