// k6/ws: `connect` gives a socket to a callback and returns when the session is over.
import host from "swell:host/websocket";
import swell from "swell:core";
import { encode } from "swell:lib/websocket";

const PINGED = 1, PONGED = 2, ENDED = 3;
const GOING_AWAY = 1001;

// What error handlers are given; an Error, so that the console shows its text.
class SocketError extends Error {
  constructor(message, code, text) {
    super(message);
    if (code !== undefined && code !== null) { this.code = code; this.text = text; }
    this.error = () => message;
  }
  toString() { return this.message; }
}

const closeSent = () => new SocketError("websocket: close sent");

class Session {
  #number;
  #handlers = new Map();
  #timers = [];
  #isOver = false;

  constructor(number) { this.#number = number; }

  // The script's side; its functions are the object's own, as scripts take them apart.
  socket() {
    return {
      close: (code) => { this.#end(code === undefined ? GOING_AWAY : Number(code) || 0); },
      on: (event, handler) => {
        if (typeof handler !== "function") return;
        const known = this.#handlers.get(event);
        if (known === undefined) this.#handlers.set(event, [handler]);
        else known.push(handler);
      },
      ping: () => { if (!host.ping(this.#number)) this.#emit("error", closeSent()); },
      send: (...message) => { this.#send(message.length ? String(message[0]).toWellFormed() : ""); },
      sendBinary: (...data) => { this.#send(binary(data)); },
      setInterval: (handler, delay) => { this.#later("setInterval", handler, delay, true); },
      setTimeout: (handler, delay) => { this.#later("setTimeout", handler, delay, false); },
    };
  }

  run(callback) {
    try {
      callback(this.socket());
      this.#emit("open");
      while (!this.#isOver) {
        this.#take(host.wait(this.#number, this.#untilDue()));
        this.#fire();
      }
    } catch (error) {
      this.#end(GOING_AWAY);
      throw error;
    }
  }

  #take(event) {
    if (typeof event === "string") this.#emit("message", event);
    else if (typeof event === "object") this.#emit("binaryMessage", event);
    else if (event === PINGED) this.#emit("ping");
    else if (event === PONGED) this.#emit("pong");
    else if (event === ENDED) {
      const { error, code, text } = JSON.parse(host.ended());
      if (error) this.#emit("error", new SocketError(error, code, text));
      this.#end(code ?? GOING_AWAY);
    }
  }

  #emit(event, ...given) {
    for (const handler of this.#handlers.get(event) ?? []) handler(...given);
  }

  #send(data) {
    if (!host.send(this.#number, data)) this.#emit("error", closeSent());
  }

  #end(code) {
    if (this.#isOver) return;
    this.#isOver = true;
    host.leave(this.#number, code);
    this.#emit("close", code);
  }

  #later(name, handler, given, repeats) {
    if (typeof handler !== "function") throw new TypeError(`${name} requires a function, received ${typeof handler}`);
    const delay = Number(given) || 0;
    if (!(delay > 0)) throw new swell.GoError(`${name} requires a >0 timeout parameter, received ${delay.toFixed(2)}`);
    this.#timers.push({ due: host.now() + delay, period: repeats ? delay : 0, handler });
  }

  // Milliseconds until the next timer is due; -1 where there is none.
  #untilDue() {
    if (!this.#timers.length) return -1;
    let first = Infinity;
    for (const { due } of this.#timers) if (due < first) first = due;
    return Math.max(0, first - host.now());
  }

  #fire() {
    if (!this.#timers.length) return;
    const now = host.now();
    const due = this.#timers.filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due);
    for (const timer of due) {
      if (this.#isOver) return;
      // Beats that were missed are not made up for.
      if (timer.period) timer.due = Math.max(timer.due + timer.period, now);
      else this.#timers.splice(this.#timers.indexOf(timer), 1);
      timer.handler();
    }
  }
}

function binary(given) {
  if (!given.length || given[0] === undefined) throw new swell.GoError("missing argument, expected ArrayBuffer");
  const [data] = given;
  if (data instanceof ArrayBuffer) return data;
  const kind = data === null ? "null" : Object(data).constructor?.name ?? "Object";
  throw new swell.GoError(`expected ArrayBuffer as argument, received: ${kind}`);
}

export function connect(url, ...given) {
  if (!given.length) throw new swell.GoError("invalid number of arguments to ws.connect");
  const [params, callback] = given.length > 1 ? given : [undefined, given[0]];
  if (typeof callback !== "function") throw new swell.GoError("last argument to ws.connect must be a function");
  const { number, response } = JSON.parse(host.connect(String(url), encode(params)));
  if (number) new Session(number).run(callback);
  return response;
}

export default { connect };
