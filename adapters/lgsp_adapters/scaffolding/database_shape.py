"""The shape of a table: its columns, what identifies a row, the codes that other tables list, and the rows that belong to it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnClause, Connection, column, func, inspect, select, table, text, types

from lgsp_adapters.scaffolding.code_tables import CodeTables, is_generated
from lgsp_adapters.scaffolding.column_schemas import Column, is_period
from lgsp_contracts.field_names import comparable
from lgsp_contracts.tooling import drafts
from lgsp_problems import NotFound, Refusal

_CONSTRAINTS = text(
    "SELECT check_clause FROM information_schema.check_constraints"
    " WHERE constraint_schema = COALESCE(:schema, DATABASE()) AND table_name = :table"
)
_JSON_CONSTRAINT = re.compile(r"json_valid\(`([^`]+)`\)")
_OBVIOUS_KEY = re.compile(r"sodinhdanh.*|(so)?cccd|(so)?cmnd|ma.*|so(hoso|quyetdinh|gcn|giayphep).*")
"""What columns that identify a row are called, as `comparable` writes it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table that belongs to another one.

    Args:
        field: the name of the field that takes its rows.
        many: there are several rows, of which each refers to the one row; otherwise the one row refers to it.
        pairs: columns of that table, each with the column of the other one that it equals.
        newest: the column with the date or the period of a row, by which the newest come first.
    """

    field: str
    many: bool
    quoted: str
    columns: Sequence[Column]
    pairs: Sequence[tuple[Column, Column]]
    order: Sequence[Column]
    required: bool
    newest: Column | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view.

    Args:
        keys: what identifies a row, the one that callers know first.
        primary: the primary key.
        relations: tables whose rows belong to a row.
        code_tables: tables whose rows, codes with what they mean, are in the schemas of columns.
    """

    name: str
    quoted: str
    columns: Sequence[Column]
    keys: Sequence[Sequence[Column]]
    primary: Sequence[Column]
    relations: Sequence[Relation]
    code_tables: Collection[str]

    def column(self, name: str) -> Column:
        """Find a column.

        Raises:
            Refusal: `not-found`, naming those that there are.
        """
        for each in self.columns:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.columns)
        raise NotFound(
            vi=f"Bảng {self.name} không có cột {name}; có: {known}.",
            en=f"The table {self.name} has no column {name}; it has: {known}.",
        )

    def without(self, column: Column) -> "Table":
        """Return the table without a column, and without the keys that contain it."""
        keys = [key for key in self.keys if column not in key]
        return replace(self, columns=[each for each in self.columns if each is not column], keys=keys)

    def own_columns(self) -> list[Column]:
        """Return the columns that mean something outside: no counter, and none that only refers to a relation of one row."""
        hidden = {own.name for relation in self.relations if not relation.many for _, own in relation.pairs}
        hidden |= {each.name for each in self.columns if each.counter}
        identifying = {part.name for key in self.keys for part in key}
        return [each for each in self.columns if each.name not in hidden - identifying]


def read_table(connection: Connection, name: str, chosen: Sequence[Sequence[str]]) -> Table:
    """Read the shape of a table.

    Args:
        name: with its schema where that is not the default one.
        chosen: keys by their columns, instead of those that the database declares.

    Raises:
        Refusal: `not-found`, when there is no such table or column; `invalid-document`, when nothing identifies a row.
    """
    return _Reader(connection, name).read(chosen)


class _Reader:
    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._inspector: Any = inspect(connection)
        schema, _, self._bare = name.rpartition(".")
        self._schema = schema or None
        self._name = name
        self._codes = CodeTables(connection, self._inspector, self._schema)
        self._sqlite = connection.dialect.name == "sqlite"

    def read(self, chosen: Sequence[Sequence[str]]) -> Table:
        known = [*self._inspector.get_table_names(self._schema), *self._inspector.get_view_names(self._schema)]
        if self._bare not in known:
            shown = ", ".join(sorted(known)[:20]) or "-"
            raise NotFound(
                vi=f"Không có bảng {self._name}; các bảng hiện có: {shown}.",
                en=f"There is no table {self._name}; the tables are: {shown}.",
            )
        columns = {each.name: each for each in self._columns(self._bare)}
        keys = self._keys(columns)
        if not keys and not chosen:
            shown = ", ".join(columns)
            raise Refusal(
                "invalid-document",
                vi=f"Bảng {self._name} không có khóa nào xác định một dòng; hãy nêu các cột bằng --by, trong số: {shown}.",
                en=f"The table {self._name} has no key that identifies a row; name its columns with --by, among: {shown}.",
            )
        fields = {each.field for each in columns.values()}
        relations = list(self._parents(columns, fields)) + list(self._children(columns, fields))
        primary = [columns[name] for name in self._primary() if name in columns]
        found = Table(
            self._bare,
            self._quote(self._bare),
            list(columns.values()),
            keys,
            primary,
            relations,
            sorted(self._codes.read),
        )
        return replace(found, keys=[[found.column(name) for name in names] for names in chosen]) if chosen else found

    def _primary(self) -> list[str]:
        return list(self._inspector.get_pk_constraint(self._bare, self._schema).get("constrained_columns") or [])

    def _quote(self, bare: str, schema: str | None = None) -> str:
        preparer = self._inspector.dialect.identifier_preparer
        parts = [part for part in (schema or self._schema, bare) if part]
        return ".".join(preparer.quote(part) for part in parts)

    def _columns(self, bare: str) -> Iterator[Column]:
        """Yield the columns but those of bytes, and those whose type nobody knows: no JSON is made of them."""
        quote = self._inspector.dialect.identifier_preparer.quote
        codes = self._codes.of(bare)
        primary = self._inspector.get_pk_constraint(bare, self._schema).get("constrained_columns")
        documents = self._json_columns(bare)
        taken: set[str] = set()
        for each in self._inspector.get_columns(bare, self._schema):
            if isinstance(each["type"], (types.LargeBinary, types.NullType)):
                continue
            field = drafts.camel(each["name"])
            while field in taken or not field[0].isalpha():
                field = f"cot{len(taken) + 1}"
            taken.add(field)
            generated = is_generated(each, primary, self._connection.dialect.name)
            yield Column(
                each["name"],
                quote(each["name"]),
                field,
                types.JSON() if each["name"] in documents else each["type"],
                bool(each["nullable"]),
                generated,
                generated and primary == [each["name"]],
                codes.get(each["name"], {}),
            )

    def _json_columns(self, bare: str) -> set[str]:
        """The columns with JSON in MariaDB, which are texts with a constraint."""
        if not getattr(self._connection.dialect, "is_mariadb", False):
            return set()
        clauses = self._connection.execute(_CONSTRAINTS, {"schema": self._schema, "table": bare}).scalars()
        return {name for clause in clauses for name in _JSON_CONSTRAINT.findall(clause)}

    def _keys(self, columns: Mapping[str, Column]) -> list[list[Column]]:
        """What identifies a row: the keys that the database declares, and columns whose name and index say so; a counter comes last."""
        primary = self._primary()
        automatic = {"include_auto_indexes": True} if self._sqlite else {}
        unique = [
            list(each["column_names"]) for each in self._inspector.get_unique_constraints(self._bare, self._schema)
        ]
        indexed: list[list[str]] = []
        for index in self._inspector.get_indexes(self._bare, self._schema, **automatic):
            partial = any(str(option).endswith("_where") for option in index.get("dialect_options", {}))
            if partial or None in index["column_names"]:
                continue
            (unique if index["unique"] else indexed).append(list(index["column_names"]))
        unique += [
            names
            for names in indexed
            if len(names) == 1 and _OBVIOUS_KEY.fullmatch(comparable(names[0])) and self._is_unique(names[0])
        ]
        counted = len(primary) == 1 and primary[0] in columns and columns[primary[0]].counter
        ordered = [*unique, primary] if counted else [primary, *unique]
        ordered.sort(key=lambda names: 0 if names and comparable(names[0]).startswith("sodinhdanh") else 1)
        keys = [names for names in dict.fromkeys(map(tuple, ordered)) if names and set(names) <= set(columns)]
        return [[columns[name] for name in names] for names in keys]

    def _is_unique(self, name: str) -> bool:
        part: ColumnClause[Any] = column(name)
        source = table(self._bare, part, schema=self._schema)
        repeated = select(part).select_from(source).where(part.is_not(None)).group_by(part).having(func.count() > 1)
        return self._connection.execute(repeated.limit(1)).first() is None

    def _parents(self, columns: Mapping[str, Column], fields: set[str]) -> Iterator[Relation]:
        """Tables that the table refers to, and that are no codes."""
        for reference in self._inspector.get_foreign_keys(self._bare, self._schema):
            own = reference["constrained_columns"]
            same_table = reference["referred_table"] == self._bare
            if same_table or not set(own) <= set(columns) or any(columns[name].codes for name in own):
                continue
            bare = reference["referred_table"]
            there = {each.name: each for each in self._columns(bare)}
            if not set(reference["referred_columns"]) <= set(there):
                continue
            pairs = [
                (there[name], columns[mine]) for name, mine in zip(reference["referred_columns"], own, strict=True)
            ]
            required = all(not columns[name].nullable for name in own)
            yield Relation(
                _unused(drafts.camel(bare), fields),
                many=False,
                quoted=self._quote(bare, reference["referred_schema"]),
                columns=[each for each in there.values() if not each.counter],
                pairs=pairs,
                order=(),
                required=required,
            )

    def _children(self, columns: Mapping[str, Column], fields: set[str]) -> Iterator[Relation]:
        """Tables whose rows refer to a row of the table."""
        for bare in self._inspector.get_table_names(self._schema):
            if bare == self._bare:
                continue
            for reference in self._inspector.get_foreign_keys(bare, self._schema):
                referred = reference["referred_columns"]
                if reference["referred_table"] != self._bare or not set(referred) <= set(columns):
                    continue
                all_columns = {each.name: each for each in self._columns(bare)}
                own = reference["constrained_columns"]
                key = self._inspector.get_pk_constraint(bare, self._schema).get("constrained_columns") or []
                dated = next((each for each in all_columns.values() if is_period(each) and each.name not in own), None)
                yield Relation(
                    _unused(drafts.camel(bare), fields),
                    many=True,
                    quoted=self._quote(bare),
                    columns=[each for each in all_columns.values() if each.name not in own and not each.counter],
                    pairs=[(all_columns[name], columns[there]) for name, there in zip(own, referred, strict=True)],
                    order=[all_columns[name] for name in key if name in all_columns],
                    required=True,
                    newest=dated,
                )


def _unused(name: str, fields: set[str]) -> str:
    while name in fields:
        name = f"{name}Khac"
    fields.add(name)
    return name
