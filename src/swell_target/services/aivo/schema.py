"""AIVO's tables: tenants with keys and usage, assessments with answers and grades, documents."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

from swell_target.base.schema import Schema
from swell_target.base.textindex import TextIndex

METADATA = MetaData()

TENANTS = Table(
    "aivo_tenants",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    # Requests a minute when limits are on.
    Column("rate_limit", Integer, nullable=False),
)
API_KEYS = Table(
    "aivo_api_keys",
    METADATA,
    Column("key", String(255), primary_key=True),
    Column("tenant_id", String(64), ForeignKey("aivo_tenants.id"), nullable=False),
)
USAGE = Table(
    "aivo_usage",
    METADATA,
    Column("tenant_id", String(64), ForeignKey("aivo_tenants.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("model", String(64), primary_key=True),
    Column("requests", Integer, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
)
ASSESSMENTS = Table(
    "aivo_assessments",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("title", String(500), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("grade_level", Integer, nullable=False),
    # The questions as JSON, each with its number, its key and its points.
    Column("questions", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
)
ANSWERS = Table(
    "aivo_answers",
    METADATA,
    Column("assessment_id", String(64), ForeignKey("aivo_assessments.id"), primary_key=True),
    Column("learner_id", String(128), primary_key=True),
    Column("question_id", Integer, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("time_spent", Float, nullable=False),
    Column("is_final", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),
)
GRADES = Table(
    "aivo_grades",
    METADATA,
    Column("submission_id", String(128), primary_key=True),
    Column("assessment_id", String(64), ForeignKey("aivo_assessments.id"), primary_key=True),
    Column("learner_id", String(128), nullable=False),
    Column("score", Float, nullable=False),
    Column("max_score", Float, nullable=False),
    Column("graded", BigInteger, nullable=False),
)
DOCUMENTS = Table(
    "aivo_documents",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("title", String(500), nullable=False),
    Column("content", Text, nullable=False),
    Column("subject", String(64), nullable=False),
    Column("difficulty", String(32), nullable=False),
    Column("tags", Text, nullable=False),
    Column("created", String(40), nullable=False),
    Column("updated", String(40), nullable=False),
    Index("aivo_documents_subject", "subject", "difficulty"),
)
DOCUMENT_TEXTS = TextIndex("aivo_document_texts")
# Children first, as they are emptied.
ALL_TABLES = (GRADES, ANSWERS, ASSESSMENTS, USAGE, API_KEYS, TENANTS, DOCUMENTS)
SCHEMA = Schema("aivo", 1, METADATA, (DOCUMENT_TEXTS,))
