"""The site's HTML: a frame, and the parts of its pages. Every value is escaped where it is put in."""

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from swell_target.services.wwmaa.accounts import Booking, Dashboard
from swell_target.services.wwmaa.content import Instructor
from swell_target.services.wwmaa.events import Event
from swell_target.services.wwmaa.search import Result, SearchAnswer

SITE = "World Wide Martial Arts Association"
LINKS = (("/", "Home"), ("/events", "Events"), ("/instructors", "Instructors"), ("/dashboard", "Members"))


def frame(title: str, path: str, body: str) -> str:
    """A whole page."""
    current = "/" + path.split("/")[1]
    links = "".join(
        f'<a href="{href}"{" aria-current=page" if href == current else ""}>{name}</a>'
        for href, name in LINKS
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - WWMAA</title>
<link rel="icon" type="image/png" href="/static/images/logo.png">
<link rel="stylesheet" href="/static/css/main.css">
<script src="/static/js/main.js" defer></script>
</head>
<body>
<header>
<a class="brand" href="/"><img src="/static/images/logo.png" width="44" height="44" alt=""><span>WWMAA</span></a>
<nav aria-label="Main">{links}</nav>
<form class="search" action="/search" role="search">
<input name="q" type="search" aria-label="Search" placeholder="Search" list="suggestions" autocomplete="off" required>
<datalist id="suggestions"></datalist>
<button>Search</button>
</form>
</header>
<main>
{body}
</main>
<footer>{SITE}. A reference site for load tests: all people and events are made up.</footer>
</body>
</html>
"""


def day(time: str) -> str:
    """A time in ISO 8601 as an element for readers and machines."""
    return f'<time datetime="{escape(time)}">{escape(time[:10])} {escape(time[11:16])}</time>'


def price(dollars: float) -> str:
    """What it costs."""
    return f"${dollars:.2f}" if dollars else "Free"


def event_card(event: Event) -> str:
    """An event in a list."""
    return f"""<article class="card">
<p class="kind">{escape(event.type)}</p>
<h3><a href="/events/{quote(event.id)}">{escape(event.title)}</a></h3>
<p>{escape(event.description)}</p>
<p class="facts">{day(event.start_time)} <span>{escape(event.location)}</span> <span>{price(event.price)}</span>
<span>{places(event)}</span></p>
</article>"""


def places(event: Event) -> str:
    """How many places are left."""
    return f"{event.available_spots} of {event.capacity} places left" if event.available_spots else "Full"


def instructor_card(person: Instructor) -> str:
    """An instructor in a list."""
    initials = "".join(word[0] for word in person.name.split()[:2])
    verified = '<span class="verified">verified</span>' if person.verified else ""
    return f"""<article class="card person" id="{escape(person.id)}">
<div class="portrait" aria-hidden="true">{escape(initials)}</div>
<div><h3>{escape(person.name)} {verified}</h3>
<p class="kind">{escape(person.style)}, {escape(person.rank)}</p>
<p>{escape(person.bio)}</p>
<p class="facts"><span>{escape(person.city)}, {escape(person.state)}</span> <span>{person.years_of_experience} years</span></p></div>
</article>"""


def result_card(result: Result) -> str:
    """A search result."""
    facts = [text for text in (result.style, result.level, result.rank, result.location) if text]
    return f"""<article class="card">
<p class="kind">{escape(result.type)}</p>
<h3><a href="{escape(quote(result.url, safe="/#"))}">{escape(result.title)}</a></h3>
<p>{escape(result.summary)}</p>
<p class="facts">{" ".join(f"<span>{escape(fact)}</span>" for fact in facts)}</p>
</article>"""


def cards(parts: Iterable[str]) -> str:
    """A grid of cards, or a sentence when there is none."""
    inside = "\n".join(parts)
    return (
        f'<div class="cards">\n{inside}\n</div>'
        if inside
        else '<p class="empty">Nothing here at the moment.</p>'
    )


def home(events: list[Event], people: list[Instructor]) -> str:
    """The front page."""
    return frame(
        "Home",
        "/",
        f"""<section class="hero"><h1>{SITE}</h1>
<p>Train with instructors of fifteen styles, in your city and live online.</p>
<p><a class="button" href="/events">Find an event</a> <a class="button quiet" href="/instructors">Meet the instructors</a></p>
</section>
<section><h2>Next events</h2>
{cards(event_card(event) for event in events)}
</section>
<section><h2>Instructors</h2>
{cards(instructor_card(person) for person in people)}
</section>""",
    )


def event_list(events: list[Event], total: int) -> str:
    """The events to come."""
    shown = cards(event_card(event) for event in events)
    return frame("Events", "/events", f"<h1>Events</h1>\n<p>{total} events to come.</p>\n{shown}")


def event_page(event: Event) -> str:
    """One event, with the form to take a place."""
    form = f"""<form class="panel" data-rsvp="{escape(event.id)}"{' data-price="1"' if event.price else ""}>
<h2>Take a place</h2>
<label>First name <input name="first_name" required maxlength="120" autocomplete="given-name"></label>
<label>Last name <input name="last_name" required maxlength="120" autocomplete="family-name"></label>
<label>E-mail <input name="email" type="email" required autocomplete="email"></label>
<label>Phone <input name="phone" type="tel" maxlength="64" autocomplete="tel"></label>
<button>Register</button>
<p role="status"></p>
</form>"""
    full = '<p class="panel">All places are taken.</p>'
    return frame(
        event.title,
        "/events",
        f"""<p class="kind">{escape(event.type)} with {escape(event.instructor)}</p>
<h1>{escape(event.title)}</h1>
<p>{escape(event.description)}</p>
<p class="facts">{day(event.start_time)} <span>{escape(event.location)}</span> <span>{price(event.price)}</span>
<span data-places>{places(event)}</span></p>
{form if event.available_spots else full}""",
    )


def instructor_list(people: list[Instructor], total: int) -> str:
    """Who teaches."""
    shown = cards(instructor_card(person) for person in people)
    return frame("Instructors", "/instructors", f"<h1>Instructors</h1>\n<p>{total} instructors.</p>\n{shown}")


def search_page(text: str, answer: SearchAnswer | None) -> str:
    """What was found."""
    if answer is None:
        return frame(
            "Search", "/search", "<h1>Search</h1>\n<p>Type what you look for into the field above.</p>"
        )
    others = "".join(f'<a href="/search?q={quote(term)}">{escape(term)}</a> ' for term in answer.suggestions)
    return frame(
        f"Search: {text}",
        "/search",
        f"""<h1>Results for &ldquo;{escape(text)}&rdquo;</h1>
<p>{answer.total} found. {f"See also: {others}" if others else ""}</p>
{cards(result_card(result) for result in answer.results)}""",
    )


def content_page(result: Result) -> str:
    """An article."""
    tags = "".join(f'<a class="tag" href="/search?q={quote(tag)}">{escape(tag)}</a> ' for tag in result.tags)
    return frame(
        result.title,
        "/search",
        f"""<p class="kind">{escape(result.type)} by {escape(result.instructor)}</p>
<h1>{escape(result.title)}</h1>
<p>{escape(result.summary)}</p>
<p class="facts"><span>{escape(result.style)}</span> <span>{escape(result.level)}</span> <span>{escape(result.date)}</span></p>
<p>{tags}</p>""",
    )


def login_page() -> str:
    """The form to log in; main.js sends it."""
    return frame(
        "Log in",
        "/dashboard",
        """<h1>Log in</h1>
<form class="panel" data-login>
<label>E-mail <input name="email" type="email" required autocomplete="username"></label>
<label>Password <input name="password" type="password" required autocomplete="current-password"></label>
<button>Log in</button>
<p role="status"></p>
</form>""",
    )


def dashboard_page(data: Dashboard) -> str:
    """What a member sees first."""
    plan = data.membership
    membership = (
        f"{escape(plan.tier.capitalize())}, {escape(plan.status)}, until {day(plan.current_period_end)}"
        if plan
        else "None yet"
    )
    return frame(
        "Dashboard",
        "/dashboard",
        f"""<h1>Welcome, {escape(data.user.name)}</h1>
<dl class="panel"><dt>E-mail</dt><dd>{escape(data.user.email)}</dd>
<dt>Membership</dt><dd>{membership}</dd>
<dt>Events attended</dt><dd>{data.events_attended}</dd></dl>
<section><h2>Your events</h2>{cards(_booking(one) for one in data.upcoming_events)}</section>
<section><h2>You may like</h2>{cards(_booking(one) for one in data.recommended_events)}</section>""",
    )


def _booking(booking: Booking) -> str:
    return f"""<article class="card"><h3><a href="/events/{quote(booking.event_id)}">{escape(booking.title)}</a></h3>
<p class="facts">{day(booking.start_time)} <span>{escape(booking.location)}</span></p></article>"""
