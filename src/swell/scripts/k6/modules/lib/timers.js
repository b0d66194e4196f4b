// Timers of the event loop: pending ones keep the iteration going, ids are integers.
import host from "swell:host/timers";
import swell from "swell:core";

function check(callback, name) {
  if (typeof callback !== "function") throw new TypeError(`${name} needs a function, not ${typeof callback}`);
}

export function setTimeout(callback, delay, ...given) {
  check(callback, "setTimeout");
  const id = host.after(Number(delay) || 0);
  swell.listen(id, () => { callback(...given); });
  return id;
}

export function setInterval(callback, delay, ...given) {
  check(callback, "setInterval");
  const id = host.every(Number(delay) || 0);
  swell.listen(id, () => { callback(...given); });
  return id;
}

export function clearTimeout(id) {
  if (typeof id === "number") { host.cancel(id); swell.forget(id); }
}

export const clearInterval = clearTimeout;
export default { setTimeout, clearTimeout, setInterval, clearInterval };
