"""What a system or a caller sends takes no more time and memory than it has bytes, or is refused.

Each is done in a process of its own, which may take 20 seconds and so much memory: a loop that is held cannot end its own test.
"""

import subprocess
import sys
import unicodedata

import pytest

from lgsp_adapters.text.normalization import MAX_MARKS, nfc
from lgsp_contracts import exact_json

MEMORY = 1024**3
SECONDS = 20

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
READ = """
from lgsp_adapters.mapping.xml_documents import NotXmlError, document, tree
def read(text):
    try:
        document(tree(text.encode()))
    except NotXmlError:
        pass
"""
RESOLVE = f"""
from lgsp_adapters.adapter import UpstreamFailed
from lgsp_adapters.upstream.response import Response
from lgsp_adapters.connectors.soap.envelopes import VERSIONS, read_body
def resolve(result, *values):
    text = "<s:Envelope xmlns:s='{SOAP}'><s:Body>" + result + "".join(values) + "</s:Body></s:Envelope>"
    try:
        read_body(Response(200, text.encode(), media_type="text/xml"), VERSIONS["1.1"])
    except UpstreamFailed as failure:
        assert failure.why == "unintelligible"
"""
MARKS = '"a" + chr(0x301) * 250_000 + chr(0x323) * 250_000'


def done(script: str) -> None:
    bound = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
    subprocess.run([sys.executable, "-c", bound + script], check=True, timeout=SECONDS)


@pytest.mark.parametrize(
    "script",
    [
        f"from lgsp_adapters.mapping.expressions import normalized; normalized({{'ten': {MARKS}}})",
        f"from lgsp_adapters.mapping.expressions import drop_absent; drop_absent([{MARKS}])",
        f"from lgsp_adapters.mapping.parsing_functions import trimmed; trimmed({{{MARKS}: 1}})",
        f"from lgsp_adapters.text.charset_detection import decode; decode(({MARKS}).encode())",
        f"from lgsp_adapters.text.comparison import lookup_key, normalize_cell; normalize_cell({MARKS}); lookup_key({MARKS})",
        f"from lgsp_adapters.text.person_names import fold_name; fold_name({MARKS})",
        "from lgsp_adapters.text.normalization import nfc; nfc('a' + chr(0xf73) * 300_000)",
    ],
)
def test_marks_on_one_letter(script: str) -> None:
    done(script)


def test_every_sign_that_is_put_into_order_is_counted() -> None:
    combining = 0
    for code in range(0x20000):
        if 0xD800 <= code < 0xE000:
            continue
        sign = chr(code)
        if unicodedata.combining(unicodedata.normalize("NFD", sign)[0]):
            combining += 1
            long = "a" + sign * 1_000
            assert nfc(long) == long, hex(code)
    assert combining > 500


def test_a_long_text_that_people_write_is_composed() -> None:
    written = "Trần Thị Ngọc Ánh, Đắk Lắk. " * 1_000
    assert nfc(unicodedata.normalize("NFD", written)) == written
    marked = ("a" + "\u0301" * MAX_MARKS) * 100
    assert nfc(marked) == unicodedata.normalize("NFC", marked)


def test_text_beside_elements_in_elements_beside_text() -> None:
    done(f"{READ}\nread('<a>x' * 240 + '<b>' + 'ế' * 1_200_000 + '</b>' + '</a>' * 240)")


@pytest.mark.parametrize(
    "values",
    [
        "'<r>' + '<a href=\"#x\"/>' * 90_000 + '</r>', '<m id=\"x\">' + 'A' * 1_000_000 + '</m>'",
        "'<r>' + '<a href=\"#x\"/>' * 90_000 + '</r>', '<m id=\"x\" ghi=\"' + 'A' * 1_000_000 + '\"/>'",
        "'<r>' + '<a href=\"#x\"/>' * 1_000 + '</r>', '<m id=\"x\">' + '<b>x' * 100 + 'A' * 4_000 + '</b>' * 100 + '</m>'",
    ],
)
def test_a_large_value_that_is_pointed_at_again_and_again(values: str) -> None:
    done(f"{RESOLVE}\nresolve({values})")


@pytest.mark.parametrize("number", ["1e-999999999", "0e-999999999", "1.5E-401", "0e-99999999999999999999999"])
def test_a_number_that_takes_a_gigabyte_to_write(number: str) -> None:
    done(f"""
from lgsp_contracts import exact_json
try:
    exact_json.dumps(exact_json.loads('{{"dienTich": {number}}}'))
except ValueError:
    pass
""")
    with pytest.raises(ValueError, match="exponent"):
        exact_json.loads(f'{{"dienTich": {number}}}')


def test_numbers_that_can_be_written_out_keep_their_digits() -> None:
    long = "0." + "0" * 500 + "125"
    assert (
        exact_json.dumps(exact_json.loads(f"[1e-9, 1.50, 2E+3, {long}]")) == f"[0.000000001,1.50,2000,{long}]".encode()
    )
