// Two scenarios side by side: users who browse, and orders that arrive at a rate. Run it with: swell run FILE
import http from "k6/http";
import { check, group, sleep } from "k6";
import { Rate } from "k6/metrics";

const BASE_URL = __ENV.TARGET_URL || "http://127.0.0.1:8080";
const ordered = new Rate("ordered");

export const options = {
  scenarios: {
    browse: {
      executor: "ramping-vus",
      exec: "browse",
      stages: [
        { duration: "10s", target: 20 },
        { duration: "20s", target: 20 },
        { duration: "10s", target: 0 },
      ],
    },
    orders: {
      executor: "constant-arrival-rate",
      exec: "order",
      rate: 10,
      timeUnit: "1s",
      duration: "40s",
      preAllocatedVUs: 20,
    },
  },
  thresholds: {
    http_req_failed: ["rate<0.01"],
    "http_req_duration{scenario:browse}": ["p(95)<300"],
    "http_req_duration{scenario:orders}": ["p(95)<500", "p(99)<1500"],
    ordered: ["rate>0.99"],
  },
};

// Run once, before any VU; every VU gets its own copy of the value.
export function setup() {
  return { token: "from a login, for example" };
}

// Closed model: each VU waits for the answer before it goes on.
export function browse() {
  group("front page", () => {
    const response = http.get(`${BASE_URL}/`);
    check(response, { "status is 200": (r) => r.status === 200 });
  });
  sleep(1);
}

// Open model: iterations start at the rate, however long the answers take.
export function order(data) {
  const response = http.post(`${BASE_URL}/orders`, JSON.stringify({ item: 1 }), {
    headers: { Authorization: `Bearer ${data.token}`, "Content-Type": "application/json" },
    tags: { name: "/orders" },
  });
  ordered.add(response.status === 201);
}
