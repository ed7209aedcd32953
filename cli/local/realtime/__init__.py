"""The embedded stack's stand-in for Supabase Realtime."""

from cli.local.realtime.server import UVICORN, Realtime, RealtimeSettings, application

__all__ = ["UVICORN", "Realtime", "RealtimeSettings", "application"]
