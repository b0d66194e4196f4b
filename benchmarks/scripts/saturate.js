// The same iteration for k6.
import http from "k6/http";
import { check } from "k6";

export const options = { insecureSkipTLSVerify: true };

export default function () {
  const response = http.get(__ENV.TARGET);
  check(response, {
    "status is 200": (r) => r.status === 200,
    "has items": (r) => r.json().items[0] === 1,
  });
}
