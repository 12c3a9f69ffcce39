"""A number of a person in a column of integers gets back the zeros that an integer cannot keep, and no others."""

import pytest

from lgsp_adapters.connectors.sql.columns_by_name import ColumnReader
from lgsp_adapters.mapping.unmappable import MappingError

READER = ColumnReader(
    {
        "type": "object",
        "properties": {"soDinhDanh": {"type": "string", "format": "so-dinh-danh"}, "so": {"type": "string"}},
    }
)


@pytest.mark.parametrize(("kept", "answered"), [(22093001234, "022093001234"), (1093001234, "001093001234")])
def test_an_integer_gets_the_zeros_of_a_number(kept: int, answered: str) -> None:
    assert READER.document({"so_dinh_danh": kept, "so": 5}) == {"soDinhDanh": answered, "so": "5"}


@pytest.mark.parametrize("kept", [220930012, 0, -2209300123, 1022093001234])
def test_an_integer_that_lacks_more_is_no_number(kept: int) -> None:
    with pytest.raises(MappingError, match="the column of soDinhDanh: a number"):
        READER.document({"so_dinh_danh": kept})
