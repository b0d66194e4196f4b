"""Full-text search over rows of one service: FTS5 on SQLite, a ``tsvector`` with a GIN index on PostgreSQL.

Both rank by how well the words match, best first. The scores differ (BM25 against ``ts_rank_cd``) and are
mapped to 0..1 by their own best result, so that a client sees one scale. Words of a query are only words: no
operator of either engine's query language gets through.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Float, String, Subquery, bindparam, column, select, text

WORD = re.compile(r"\w+", re.UNICODE)
MAX_WORDS = 32
Mode = Literal["all", "any"]


class Hit(NamedTuple):
    """A row that matches: its id and how well, 1 for the best."""

    id: str
    score: float


class Text(NamedTuple):
    """What is indexed of a row: the title counts three times as much as the body."""

    id: str
    title: str
    body: str


def words_of(query: str) -> list[str]:
    """The words of a query, lower case, each once, at most 32."""
    return list(dict.fromkeys(WORD.findall(query.lower())))[:MAX_WORDS]


@dataclass(frozen=True)
class TextIndex:
    """A text index of its own beside the service's tables; ``name`` starts with the service's name."""

    name: str

    def create(self, tx: Connection) -> None:
        """Create it, empty."""
        if tx.dialect.name == "sqlite":
            tx.execute(
                text(
                    f"CREATE VIRTUAL TABLE {self.name} USING fts5(id UNINDEXED, title, body, "
                    "tokenize='porter unicode61', prefix='2 3')"
                )
            )
            # FTS5 keeps no index on an unindexed column: rows are found again through this table.
            tx.execute(text(f"CREATE TABLE {self.name}_rows (id TEXT PRIMARY KEY, number INTEGER NOT NULL)"))
            return
        tx.execute(
            text(
                f"CREATE TABLE {self.name} "
                "(id TEXT PRIMARY KEY, words tsvector NOT NULL, plain tsvector NOT NULL)"
            )
        )
        tx.execute(text(f"CREATE INDEX {self.name}_words ON {self.name} USING gin (words)"))
        tx.execute(text(f"CREATE INDEX {self.name}_plain ON {self.name} USING gin (plain)"))

    def drop(self, tx: Connection) -> None:
        """Remove it, if it is there."""
        tx.execute(text(f"DROP TABLE IF EXISTS {self.name}"))
        if tx.dialect.name == "sqlite":
            tx.execute(text(f"DROP TABLE IF EXISTS {self.name}_rows"))

    def clear(self, tx: Connection) -> None:
        """Remove all rows."""
        tx.execute(text(f"DELETE FROM {self.name}"))
        if tx.dialect.name == "sqlite":
            tx.execute(text(f"DELETE FROM {self.name}_rows"))

    def put(self, tx: Connection, row: Text) -> None:
        """Index a row anew, whether it was there or not."""
        if tx.dialect.name != "sqlite":
            tx.execute(text(_PUT_POSTGRES.format(name=self.name)), row._asdict())
            return
        number = tx.execute(
            text(f"SELECT number FROM {self.name}_rows WHERE id = :id"), {"id": row.id}
        ).scalar()
        if number is not None:
            tx.execute(
                text(f"UPDATE {self.name} SET title = :title, body = :body WHERE rowid = :number"),
                row._asdict() | {"number": number},
            )
            return
        tx.execute(
            text(f"INSERT INTO {self.name} (id, title, body) VALUES (:id, :title, :body)"), row._asdict()
        )
        tx.execute(
            text(f"INSERT INTO {self.name}_rows (id, number) VALUES (:id, last_insert_rowid())"),
            {"id": row.id},
        )

    def put_new(self, tx: Connection, rows: Iterable[Text]) -> None:
        """Index many rows that are not there yet; for seeds."""
        first = 1
        if tx.dialect.name == "sqlite":
            first += tx.execute(text(f"SELECT coalesce(max(number), 0) FROM {self.name}_rows")).scalar_one()
        values = [row._asdict() | {"number": number} for number, row in enumerate(rows, first)]
        if not values:
            return
        if tx.dialect.name != "sqlite":
            tx.execute(text(_PUT_POSTGRES.format(name=self.name)), values)
            return
        tx.execute(
            text(f"INSERT INTO {self.name} (rowid, id, title, body) VALUES (:number, :id, :title, :body)"),
            values,
        )
        tx.execute(text(f"INSERT INTO {self.name}_rows (id, number) VALUES (:id, :number)"), values)

    def matches(
        self, tx: Connection, query: str, mode: Mode = "all", *, prefix: bool = False
    ) -> Subquery | None:
        """The matches as a table of ``id`` and ``score`` (higher is better) to join with; None for no words.

        ``mode``: all words or any of them; ``prefix``: the last word is the beginning of one.
        """
        words = words_of(query)
        if not words:
            return None
        sqlite = tx.dialect.name == "sqlite"
        terms = [f'"{word}"' if sqlite else f"'{word}'" for word in words]
        if prefix:
            terms[-1] += "*" if sqlite else ":*"
        joined = {"all": (" AND ", " & "), "any": (" OR ", " | ")}[mode][0 if sqlite else 1].join(terms)
        template = _MATCH_SQLITE if sqlite else (_MATCH_PREFIX if prefix else _MATCH_POSTGRES)
        statement = text(template.format(name=self.name)).bindparams(
            bindparam("textindex_query", joined, unique=True)
        )
        return statement.columns(column("id", String), column("score", Float)).subquery("matches")

    def search(
        self, tx: Connection, query: str, mode: Mode = "all", limit: int = 1_000, *, prefix: bool = False
    ) -> list[Hit]:
        """The best matches, their scores scaled so that the best has 1."""
        found = self.matches(tx, query, mode, prefix=prefix)
        if found is None or limit < 1:
            return []
        rows = tx.execute(
            select(found.c.id, found.c.score).order_by(found.c.score.desc(), found.c.id).limit(limit)
        ).all()
        best = max((row.score for row in rows), default=0) or 1.0
        return [Hit(row.id, max(0.0, row.score / best)) for row in rows]


_PUT_POSTGRES = (
    "INSERT INTO {name} (id, words, plain) VALUES (:id, "
    "setweight(to_tsvector('english', :title), 'A') || setweight(to_tsvector('english', :body), 'C'), "
    "setweight(to_tsvector('simple', :title), 'A') || setweight(to_tsvector('simple', :body), 'C')) "
    "ON CONFLICT (id) DO UPDATE SET words = excluded.words, plain = excluded.plain"
)
_MATCH_POSTGRES = (
    "SELECT id, ts_rank_cd(words, query) AS score FROM {name}, "
    "to_tsquery('english', :textindex_query) AS query WHERE words @@ query"
)
# A beginning of a word has no stem: it is looked for among the words as they are written.
_MATCH_PREFIX = (
    "SELECT id, ts_rank_cd(plain, query) AS score FROM {name}, "
    "to_tsquery('simple', :textindex_query) AS query WHERE plain @@ query"
)
# bm25 is negative, and lower is better; the weights are those of id, title and body.
_MATCH_SQLITE = (
    "SELECT id, -bm25({name}, 0.0, 3.0, 1.0) AS score FROM {name} WHERE {name} MATCH :textindex_query"
)
