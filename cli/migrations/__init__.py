"""The migration engine: reads the Supabase CLI's files, applies them, keeps its history table."""

from cli.migrations.apply import apply_pending
from cli.migrations.files import Migration, read_migrations

__all__ = ["Migration", "apply_pending", "read_migrations"]
