// Timers of the event loop: pending ones keep the iteration going; a VU's are numbered from 1.
import host from "swell:host/timers";
import swell from "swell:core";

let count = 0;

function check(callback, name) {
  if (typeof callback !== "function") throw new swell.GoError(`${name}'s callback isn't a callable function`);
}

export function setTimeout(callback, delay, ...given) {
  check(callback, "setTimeout");
  const number = ++count;
  swell.listen(host.after(Number(delay) || 0, number), () => { callback(...given); });
  return number;
}

export function setInterval(callback, delay, ...given) {
  check(callback, "setInterval");
  const number = ++count;
  swell.listen(host.every(Number(delay) || 0, number), () => { callback(...given); });
  return number;
}

export function clearTimeout(number) {
  if (Number.isInteger(number)) swell.forget(host.cancel(number));
}

export const clearInterval = clearTimeout;
export default { setTimeout, clearTimeout, setInterval, clearInterval };
