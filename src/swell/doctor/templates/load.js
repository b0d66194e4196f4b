// The same for k6: one request per iteration, then as much work as asked for.
import http from "k6/http";
import { sleep } from "k6";

export const options = { insecureSkipTLSVerify: true };
const pause = Number(__ENV.PAUSE_S);
const burn = Number(__ENV.BURN_US) / 1000;

function work(turns) {
  let sum = 0;
  for (let i = 0; i < turns; i++) sum += i;
  return sum;
}

// Date resolves milliseconds only: how many turns make one is measured over many of them.
export function setup() {
  const started = Date.now();
  let thousands = 0;
  while (Date.now() - started < 200) {
    work(1000);
    thousands++;
  }
  return (thousands * 1000) / 200;
}

export default function (turnsPerMs) {
  if (pause) sleep(Math.random() * 2 * pause);
  http.get(__ENV.TARGET);
  if (burn) work(burn * turnsPerMs);
}
