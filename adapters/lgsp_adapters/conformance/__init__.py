"""The conformance tests that every adapter and every connector passes before anybody depends on it.

Public for packages that bring a connector of their own: `check_folder` for its folder, `readme_table` for the keys in its README, `check_behaviour` for what it does with a manifest and a
running system. `lgsp adapter conformance` runs both.
"""

from lgsp_adapters.conformance.connector_behaviour import check_behaviour as check_behaviour
from lgsp_adapters.conformance.connector_folder import check_folder as check_folder
from lgsp_adapters.conformance.connector_folder import readme_table as readme_table
from lgsp_adapters.conformance.result import ConformanceResult as ConformanceResult
