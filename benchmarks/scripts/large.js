// One large answer an iteration, read as text or as bytes.
import http from "k6/http";
import { check } from "k6";

const responseType = __ENV.BODY || "text";

export default function () {
  const response = http.get(__ENV.TARGET, { responseType });
  check(response, {
    "the last byte is there": (r) =>
      responseType === "text" ? r.body[r.body.length - 1] === "x" : new Uint8Array(r.body)[r.body.byteLength - 1] === 120,
  });
}
