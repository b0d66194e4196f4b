"""A service's tables with their version: an older database is refused in one line, and at the start."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, Integer, MetaData, String, Table, inspect, select, text
from sqlalchemy.schema import Column

from swell_target.base.errors import OperatorError
from swell_target.base.textindex import TextIndex

# One row for each service that keeps its tables in this database.
VERSIONS = MetaData()
VERSION_TABLE = Table(
    "swell_target_schema",
    VERSIONS,
    Column("service", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
)


@dataclass(frozen=True)
class Schema:
    """The tables and text indexes of a service; a change of them raises ``version``."""

    service: str
    version: int
    metadata: MetaData
    indexes: tuple[TextIndex, ...] = field(default=())

    def ensure(self, tx: Connection) -> bool:
        """Create the tables in an empty database; True when it was empty.

        Raises:
            OperatorError: the tables are of another version.
        """
        VERSIONS.create_all(tx)
        found = self.find_version(tx)
        if found == self.version:
            self._check_rights(tx)
            return False
        if found is not None:
            raise OperatorError(
                f"the database holds {self.service} tables of schema {found}, "
                f"this program needs {self.version}: "
                "give it an empty database, or drop the tables with: swell target seed --drop"
            )
        self.metadata.create_all(tx)
        for index in self.indexes:
            index.create(tx)
        tx.execute(VERSION_TABLE.insert(), {"service": self.service, "version": self.version})
        return True

    def _check_rights(self, tx: Connection) -> None:
        """Raise OperatorError when the role may only read the tables."""
        if tx.dialect.name != "postgresql":
            return
        names = [table.name for table in self.metadata.sorted_tables]
        rights = text(
            "SELECT bool_and(has_table_privilege(name, 'INSERT')) FROM unnest(CAST(:names AS text[])) AS name"
        )
        if not tx.execute(rights, {"names": names}).scalar_one():
            raise OperatorError(
                f"the {self.service} tables are read-only for this role: grant it the right to write them"
            )

    def find_version(self, tx: Connection) -> int | None:
        """The version of the tables that are there, None when there are none."""
        version: int | None = tx.execute(
            select(VERSION_TABLE.c.version).where(VERSION_TABLE.c.service == self.service)
        ).scalar()
        return version

    def drop(self, tx: Connection) -> None:
        """Drop the service's tables, of whatever version."""
        VERSIONS.create_all(tx)
        for index in self.indexes:
            index.drop(tx)
        present = MetaData()
        names = [name for name in inspect(tx).get_table_names() if name.startswith(f"{self.service}_")]
        if names:
            present.reflect(tx, only=names)
            present.drop_all(tx)
        tx.execute(VERSION_TABLE.delete().where(VERSION_TABLE.c.service == self.service))
