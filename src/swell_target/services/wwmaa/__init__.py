"""WWMAA, a martial-arts association: search, live sessions, webhooks, RSVP, pages (contract: seed 004)."""

from swell_target.services.wwmaa import accounts, chat, content, events, oversight, pages, rtc, webhooks
from swell_target.services.wwmaa.service import SERVICE

__all__ = ["SERVICE", "accounts", "chat", "content", "events", "oversight", "pages", "rtc", "webhooks"]
