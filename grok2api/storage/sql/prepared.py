"""Statements of a request's way, compiled once and run on the driver's cursor.

SQLAlchemy takes 50 µs and more to run a statement that SQLite carries out in 5; a request needs a dozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError


class Prepared:
    """A statement with named parameters, none of them expanding, and values of the driver's own types."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, list[str] | None, dict[str, Any]]] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> DBAPICursor:
        """The driver's cursor after the statement: rows are plain tuples. Raises what SQLAlchemy would."""
        cursor: DBAPICursor = _execute(connection, *self._for(connection, values))
        return cursor

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row as a tuple, None when there is none."""
        return self.run(connection, values).fetchone()

    def _for(self, connection: Connection, values: Mapping[str, Any]) -> tuple[str, Any]:
        """The text and the parameters for this connection's driver."""
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            compiled: Any = self._statement.compile(dialect=dialect)
            fixed = {name: value for name, value in compiled.params.items() if value is not None}
            self._compiled[dialect.name] = (str(compiled), compiled.positiontup, fixed)
        sql, names, fixed = self._compiled[dialect.name]
        if names is None:  # a driver that takes parameters by name
            return sql, {**fixed, **values}
        return sql, [values[name] if name in values else fixed[name] for name in names]


def run_together(connection: Connection, *steps: tuple[Prepared, Mapping[str, Any]]) -> None:
    """Run statements whose results nobody needs: in one packet where the driver can, as each way to a server and
    back costs more than a statement."""
    cursor: Any = connection.connection.cursor()
    if not hasattr(cursor, "mogrify"):
        for statement, values in steps:
            statement.run(connection, values)
        return
    texts = [cursor.mogrify(*statement._for(connection, values)) for statement, values in steps]
    _execute(connection, ";".join(texts), None, results=len(steps))


def _execute(connection: Connection, sql: str, parameters: Any, *, results: int = 1) -> Any:
    dialect = connection.dialect
    cursor: Any = connection.connection.cursor()
    try:
        cursor.execute(sql, parameters)
        for _ in range(results - 1):  # each is to be read, and may be an error
            cursor.nextset()
    except dialect.loaded_dbapi.Error as error:
        lost = dialect.is_disconnect(error, connection.connection, cursor)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            sql, None, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
        ) from error
    except BaseException:  # killed in the middle of a question: what comes next on it would be its answer
        connection.invalidate()
        raise
    return cursor
