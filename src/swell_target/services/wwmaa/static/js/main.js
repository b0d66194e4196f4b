"use strict";

// Suggestions while something is typed into the search field.
const field = document.querySelector(".search input");
const list = document.getElementById("suggestions");
let timer = 0;

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(suggest, 150);
});

async function suggest() {
  const text = field.value.trim();
  if (!text) {
    list.replaceChildren();
    return;
  }
  const answer = await fetch(`/api/search/suggest?q=${encodeURIComponent(text)}`);
  if (!answer.ok) {
    return;
  }
  const { suggestions } = await answer.json();
  list.replaceChildren(...suggestions.map((term) => new Option(term, term)));
}

// Sends a form's values as JSON; shows the error's sentence when it is refused.
async function send(form, url, body) {
  const status = form.querySelector("[role=status]");
  status.textContent = "One moment...";
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const result = await answer.json();
    status.textContent = answer.ok ? "" : result.error;
    return answer.ok ? result : null;
  } catch {
    status.textContent = "The server cannot be reached. Please try again.";
    return null;
  }
}

const login = document.querySelector("[data-login]");

login?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const result = await send(login, "/api/auth/login", Object.fromEntries(new FormData(login)));
  if (result) {
    document.cookie = `access_token=${result.access_token}; path=/; max-age=${result.expires_in}; samesite=lax`;
    location.assign("/dashboard");
  }
});

const rsvp = document.querySelector("[data-rsvp]");

rsvp?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const participant = Object.fromEntries(new FormData(rsvp));
  const id = rsvp.dataset.rsvp;
  const body = { event_id: id, participant };
  if (rsvp.dataset.price) {
    body.payment = { payment_method: "pm_card_visa", billing_details: { email: participant.email } };
  }
  const result = await send(rsvp, `/api/events/${encodeURIComponent(id)}/rsvp`, body);
  if (result) {
    rsvp.querySelector("[role=status]").textContent = `You are registered: ${result.booking_id}`;
    const now = await (await fetch(`/api/events/${encodeURIComponent(id)}`)).json();
    document.querySelector("[data-places]").textContent =
      `${now.available_spots} of ${now.capacity} places left`;
  }
});
