"""Who calls a path that is not a service: the same token, and a role where the path asks for one."""

import time

from aiohttp import web

from lgsp_gateway.calls.identification import Identification
from lgsp_gateway.faces.rest.head import shown
from lgsp_gateway.registry.snapshot import System
from lgsp_problems import Refusal

CALLER = "lgsp.caller"


class Callers:
    """Identifies callers."""

    def __init__(self, identification: Identification) -> None:
        self._identification = identification

    async def identified(self, request: web.Request) -> System:
        """The caller's system.

        Raises:
            Refusal: `token-invalid` or `invalid_dpop_proof`.
        """
        if CALLER not in request:  # a proof of possession counts once
            request[CALLER] = (await self._identification.caller(shown(request), time.time())).system
        system: System = request[CALLER]
        return system

    async def with_role(self, request: web.Request, *roles: str) -> System:
        """The caller's system, which has one of some roles.

        Raises:
            Refusal: `token-invalid` or `not-granted`.
        """
        system = await self.identified(request)
        if not system.roles.intersection(roles):
            role = " / ".join(roles)
            raise Refusal(
                "not-granted",
                vi=f"Hệ thống {system.name} không có vai trò {role}; hãy đề nghị đơn vị vận hành trục cấp.",
                en=f"System {system.name} does not have the role {role}; ask the operator of the bus for it.",
            )
        return system
