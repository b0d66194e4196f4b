// Rows that all VUs of a worker share, or none; each VU looks at one.
import { SharedArray } from "k6/data";
import { check, sleep } from "k6";

const rows = new SharedArray("rows", () => (__ENV.ROWS ? JSON.parse(open(__ENV.ROWS)) : [{ id: 0 }]));

export default function () {
  const at = (__VU * 7919) % rows.length;
  check(rows[at], { "the row is the one that was asked for": (row) => row.id === at });
  sleep(Number(__ENV.PAUSE));
}
