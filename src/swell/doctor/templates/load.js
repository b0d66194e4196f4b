// The same for k6: one request per iteration, then as much work as asked for.
import http from "k6/http";
import { sleep } from "k6";

export const options = { insecureSkipTLSVerify: true };
const pause = Number(__ENV.PAUSE_S);
const burn = Number(__ENV.BURN_US) / 1000;

// Date has milliseconds only: the loop's length is measured once, over a time that they resolve.
let turnsPerMs = 0;
function measure() {
  const started = Date.now();
  let turns = 0;
  while (Date.now() - started < 20) {
    for (let i = 0; i < 1000; i++) turns++;
  }
  return turns / 20;
}

export default function () {
  if (pause) sleep(Math.random() * 2 * pause);
  http.get(__ENV.TARGET);
  if (burn) {
    if (!turnsPerMs) turnsPerMs = measure();
    let turns = 0;
    while (turns < burn * turnsPerMs) turns++;
  }
}
