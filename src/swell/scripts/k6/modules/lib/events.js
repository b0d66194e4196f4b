// Event, EventTarget, AbortController: as far as scripts without a browser use them.

export class Event {
  constructor(type, init = {}) {
    this.type = String(type);
    this.timeStamp = Date.now();
    this.cancelable = Boolean(init.cancelable);
    this.defaultPrevented = false;
    this.target = null;
  }
  preventDefault() { if (this.cancelable) this.defaultPrevented = true; }
}

export class EventTarget {
  #listeners = new Map();
  addEventListener(type, listener, options) {
    const known = this.#listeners.get(type) ?? [];
    if (listener && !known.some((entry) => entry.listener === listener)) {
      known.push({ listener, once: Boolean(options?.once) });
    }
    this.#listeners.set(type, known);
  }
  removeEventListener(type, listener) {
    const known = this.#listeners.get(type) ?? [];
    this.#listeners.set(type, known.filter((entry) => entry.listener !== listener));
  }
  dispatchEvent(event) {
    event.target = this;
    const own = this["on" + event.type];
    if (typeof own === "function") own.call(this, event);
    for (const { listener, once } of [...(this.#listeners.get(event.type) ?? [])]) {
      if (once) this.removeEventListener(event.type, listener);
      if (typeof listener === "function") listener.call(this, event);
      else listener.handleEvent(event);
    }
    return !event.defaultPrevented;
  }
}

export class AbortSignal extends EventTarget {
  aborted = false;
  reason = undefined;
  onabort = null;
  throwIfAborted() { if (this.aborted) throw this.reason; }
  static abort(reason) {
    const controller = new AbortController();
    controller.abort(reason);
    return controller.signal;
  }
}

export class AbortController {
  signal = new AbortSignal();
  abort(reason) {
    if (this.signal.aborted) return;
    this.signal.aborted = true;
    if (reason === undefined) {
      reason = new Error("This operation was aborted");
      reason.name = "AbortError";
    }
    this.signal.reason = reason;
    this.signal.dispatchEvent(new Event("abort"));
  }
}
