"""A register of births as an old ASMX service offers it: the answer is XML in a string. Needs the standard library only.

python register.py 8200          # http://127.0.0.1:8200/HoTich.asmx?wsdl
"""

import re
import sys
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAMESPACE = "http://hotich.example.vn/"
BIRTHS = {
    "022093001234": '<KhaiSinh so="12/1993"><HoTen>Nguyễn Văn An</HoTen><NgaySinh>17/05/1993</NgaySinh><Me>Trần Thị Bình</Me></KhaiSinh>',
}
WSDL = """<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:tns="{namespace}" targetNamespace="{namespace}">
  <wsdl:types>
    <s:schema elementFormDefault="qualified" targetNamespace="{namespace}">
      <s:element name="TraCuu"><s:complexType><s:sequence>
        <s:element name="SoDinhDanh" type="s:string"/>
      </s:sequence></s:complexType></s:element>
      <s:element name="TraCuuResponse"><s:complexType><s:sequence>
        <s:element minOccurs="0" name="TraCuuResult" type="s:string"/>
      </s:sequence></s:complexType></s:element>
    </s:schema>
  </wsdl:types>
  <wsdl:message name="TraCuuIn"><wsdl:part name="parameters" element="tns:TraCuu"/></wsdl:message>
  <wsdl:message name="TraCuuOut"><wsdl:part name="parameters" element="tns:TraCuuResponse"/></wsdl:message>
  <wsdl:portType name="HoTichSoap">
    <wsdl:operation name="TraCuu"><wsdl:input message="tns:TraCuuIn"/><wsdl:output message="tns:TraCuuOut"/></wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="HoTichSoap" type="tns:HoTichSoap">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="TraCuu">
      <soap:operation soapAction="{namespace}TraCuu" style="document"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="HoTich">
    <wsdl:port name="HoTichSoap" binding="tns:HoTichSoap"><soap:address location="http://{host}/HoTich.asmx"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>"""
ENVELOPE = '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{body}</soap:Body></soap:Envelope>'
ANSWER = '<TraCuuResponse xmlns="{namespace}"><TraCuuResult>{document}</TraCuuResult></TraCuuResponse>'
FAULT = "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{text}</faultstring></soap:Fault>"


class Register(BaseHTTPRequestHandler):
    """Answers `?wsdl` and the operation TraCuu."""

    def do_GET(self) -> None:
        """Send the WSDL."""
        self._send(200, WSDL.format(namespace=NAMESPACE, host=self.headers["Host"]))

    def do_POST(self) -> None:
        """Look a birth up: XML in a string, `<Loi ma="…">` where there is none, a fault for what is no number."""
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        element = re.search(r"<(?:\w+:)?SoDinhDanh>(.*?)</", request)
        number = unescape(element[1]) if element else ""
        if not number.isdecimal():
            self._send(500, ENVELOPE.format(body=FAULT.format(text="SoDinhDanh: chỉ gồm chữ số")))
            return
        document = BIRTHS.get(number, '<Loi ma="404">Không có trong sổ</Loi>')
        body = ANSWER.format(namespace=NAMESPACE, document=escape(document))
        self._send(200, ENVELOPE.format(body=body))

    def _send(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library
        """Print nothing: numbers of persons do not belong in a log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Register).serve_forever()
