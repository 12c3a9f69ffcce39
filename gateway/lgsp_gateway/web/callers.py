"""Who calls a path that is not a service: the same token, and a role where the path asks for one."""

import time

from aiohttp import web

from lgsp_auth.tokens import Verifier, invalid_token
from lgsp_gateway.registry.state import Registry, System
from lgsp_problems import Refusal


class Callers:
    """Identifies callers."""

    def __init__(self, verifier: Verifier, registry: Registry) -> None:
        self._verifier = verifier
        self._registry = registry

    def identified(self, request: web.Request) -> System:
        """The caller's system.

        Raises:
            Refusal: `token-invalid`.
        """
        identity = self._verifier.verify(request.headers.get("Authorization"), time.time())
        system = self._registry.systems.get(identity.system)
        if system is None:
            raise invalid_token("thuộc về hệ thống không còn đăng ký", "belongs to a system that is not registered")
        return system

    def with_role(self, request: web.Request, role: str) -> System:
        """The caller's system, which has a role.

        Raises:
            Refusal: `token-invalid` or `not-granted`.
        """
        system = self.identified(request)
        if role not in system.roles:
            raise Refusal(
                "not-granted",
                vi=f"Hệ thống {system.name} không có vai trò {role}; hãy đề nghị đơn vị vận hành trục cấp.",
                en=f"System {system.name} does not have the role {role}; ask the operator of the bus for it.",
            )
        return system
