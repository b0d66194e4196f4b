// A first load test. Run it with: swell run FILE
import http from "k6/http";
import { check, sleep } from "k6";

export const options = {
  vus: 10,
  duration: "10s",
  thresholds: {
    http_req_failed: ["rate<0.01"],
    http_req_duration: ["p(95)<300"],
  },
};

// Run once per iteration, by every VU.
export default function () {
  const response = http.get("http://127.0.0.1:8080/");
  check(response, { "status is 200": (r) => r.status === 200 });
  sleep(1);
}
