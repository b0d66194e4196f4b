// A k6 script, run as it is: users with accounts from a file (swell run examples/k6.js).
import http from "k6/http";
import { check, group, sleep } from "k6";
import { SharedArray } from "k6/data";
import { Trend } from "k6/metrics";
import papaparse from "https://jslib.k6.io/papaparse/5.1.1/index.js";

const BASE_URL = __ENV.TARGET_URL || "http://127.0.0.1:8080";
const users = new SharedArray("users", () => papaparse.parse(open("./users.csv"), { header: true }).data);
const answered = new Trend("answered", true);

export const options = {
  vus: 5,
  iterations: 10,
  thresholds: { checks: ["rate>0.99"], answered: ["p(95)<500"] },
};

export default function () {
  const user = users[(__VU - 1) % users.length];
  group("health", () => {
    const response = http.get(`${BASE_URL}/health`, { headers: { "X-User": Object.values(user)[0] } });
    check(response, { "status is 200": (r) => r.status === 200 });
    answered.add(response.timings.duration);
  });
  sleep(0.1);
}
