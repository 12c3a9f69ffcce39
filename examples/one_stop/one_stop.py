"""A one-stop desk registers a birth by calling three services over the bus. Standard library only."""

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

PURPOSE = "giai-quyet-tthc"
TRIES = 3


class RefusedError(Exception):
    """The bus said no: `problem` is its RFC 9457 document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail", "?"))
        self.problem = problem


class Bus:
    """Calls services with the desk's token and remembers the message ids."""

    def __init__(self, url: str, client: str, secret: str) -> None:
        self.url = url.rstrip("/")
        self.messages: list[str] = []
        self._client, self._secret = client, secret
        self._token, self._renew_at = "", 0.0

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of a service. A passing trouble of the bus is tried again, as `Retry-After` asks."""
        for left in reversed(range(TRIES)):
            try:
                return self._post(f"/services/{service}/v1/{operation}", request)
            except urllib.error.HTTPError as error:
                problem = json.load(error)
                if error.code != 503 or not left:
                    raise RefusedError(problem) from error
                time.sleep(float(error.headers.get("Retry-After", 1)))
        raise AssertionError("unreachable")

    def _post(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._valid_token()}",
            "Content-Type": "application/json",
            "Lgsp-Purpose": PURPOSE,
            "Accept-Language": "vi",
        }
        request = urllib.request.Request(self.url + path, json.dumps(document).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.messages.append(answer.headers["Lgsp-Message-Id"])
            return json.load(answer)

    def _valid_token(self) -> str:
        if time.monotonic() >= self._renew_at:
            basic = base64.b64encode(f"{self._client}:{self._secret}".encode()).decode()
            form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
            request = urllib.request.Request(f"{self.url}/oauth2/token", form, {"Authorization": f"Basic {basic}"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                issued = json.load(answer)
            self._token = issued["access_token"]
            self._renew_at = time.monotonic() + issued["expires_in"] - 60
        return self._token


def register_birth(bus: Bus, dossier: dict[str, Any]) -> dict[str, Any]:
    """The draft of a birth record, and what the desk has to tell the family."""
    mother = bus.call("population", "lookup-citizen", _identity(dossier["mother"]))
    father = bus.call("population", "lookup-citizen", _identity(dossier["father"]))
    stated = {"quanHe": "VO_CHONG", "soDinhDanh": father["soDinhDanh"], "hoVaTen": father["hoVaTen"]}
    married = bus.call("population", "verify-relative", {**_identity(dossier["mother"]), "nguoiThan": stated})
    return {
        "khaiSinh": {
            **dossier["child"],
            "me": {"soDinhDanh": mother["soDinhDanh"], "hoVaTen": mother["hoVaTen"]},
            "cha": {"soDinhDanh": father["soDinhDanh"], "hoVaTen": father["hoVaTen"]},
            "queQuan": father.get("queQuan", {}).get("chiTiet"),
            "chaMeDaKetHon": married["dungQuanHe"],
        },
        "cheDoThaiSan": maternity_benefit(bus, dossier["mother"]),
        "thongDiep": bus.messages,
    }


def maternity_benefit(bus: Bus, mother: dict[str, Any]) -> dict[str, Any]:
    """Through whom the mother gets her maternity benefit."""
    card = bus.call(
        "insurance",
        "check-health-card",
        {"maTheBhyt": mother["maTheBhyt"], "hoVaTen": mother["hoVaTen"], "ngaySinh": mother["ngaySinh"]},
    )
    if not card["hopLe"]:
        return {"duocHuong": False, "lyDo": card["ghiChu"]}
    participation = bus.call("insurance", "lookup-participation", {"maSoBhxh": card["maSoBhxh"]})
    employers = [period["maSoDoanhNghiep"] for period in participation["quaTrinh"] if "maSoDoanhNghiep" in period]
    if participation["trangThai"] != "DANG_THAM_GIA" or not employers:
        return {"duocHuong": False, "lyDo": "Không đang tham gia bảo hiểm xã hội"}
    employer = bus.call("enterprise-registry", "lookup-enterprise", {"maSoDoanhNghiep": employers[-1]})
    through = employer["ten"] if employer["trangThai"] == "DANG_HOAT_DONG" else "Cơ quan bảo hiểm xã hội"
    return {"duocHuong": True, "noiNhan": through}


def _identity(person: dict[str, Any]) -> dict[str, Any]:
    return {field: person[field] for field in ("soDinhDanh", "hoVaTen", "ngaySinh")}


def main() -> None:
    """Read a dossier, print the result."""
    url, path = sys.argv[1:3]
    bus = Bus(url, os.environ.get("LGSP_CLIENT_ID", "mot-cua"), os.environ["LGSP_CLIENT_SECRET"])
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the way most programs read a file
        dossier = json.load(file)
    try:
        print(json.dumps(register_birth(bus, dossier), ensure_ascii=False, indent=2))
    except RefusedError as refused:
        print(f"{refused} (mã: {refused.problem['code']}, {refused.problem.get('instance')})", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
