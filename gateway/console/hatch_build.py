"""Puts the built console into the wheel. An editable installation does not wait for it: `./lgsp up` builds it beside the bus."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleBuildHook(BuildHookInterface[Any]):
    """Builds the console before a wheel is made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the console and add its files."""
        if version == "editable" or self.target_name != "wheel":
            return
        path = Path(self.root) / "gateway/console/build_console.py"
        spec = importlib.util.spec_from_file_location("build_console", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.build()
        build_data["artifacts"].append("gateway/lgsp_gateway/console/static/**")
