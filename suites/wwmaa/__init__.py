"""WWMAA: search, live session, webhooks, RSVP, pages, API."""
