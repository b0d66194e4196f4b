// k6/ws: `connect` gives a socket to a callback and returns when the session is over.
import host from "swell:host/websocket";
import swell from "swell:core";
import { encode } from "swell:lib/websocket";

// Called without conversions: text goes whole and well-formed, and boxed where a NUL stands in it.
const { wait, send: hostSend } = host;
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

// A session from its opening to its end; functions that share variables are cheaper here than an object's.
function run(number, callback) {
  const handlers = new Map();
  const timers = [];
  let isOver = false;

  function emit(event, given) {
    const known = handlers.get(event);
    if (known === undefined) return;
    for (let i = 0; i < known.length; i++) {
      const handler = known[i];
      if (given === undefined) handler();
      else handler(given);
    }
  }

  function send(data) {
    if (!hostSend(number, data)) emit("error", closeSent());
  }

  function end(code) {
    if (isOver) return;
    isOver = true;
    host.leave(number, code);
    emit("close", code);
  }

  function later(name, handler, given, repeats) {
    if (typeof handler !== "function") throw new TypeError(`${name} requires a function, received ${typeof handler}`);
    const delay = Number(given) || 0;
    if (!(delay > 0)) throw new swell.GoError(`${name} requires a >0 timeout parameter, received ${delay.toFixed(2)}`);
    timers.push({ due: host.now() + delay, period: repeats ? delay : 0, handler });
  }

  // Milliseconds until the next timer is due.
  function untilDue() {
    let first = Infinity;
    for (const { due } of timers) if (due < first) first = due;
    return Math.max(0, first - host.now());
  }

  function fire() {
    const now = host.now();
    const due = timers.filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due);
    for (const timer of due) {
      if (isOver) return;
      // Beats that were missed are not made up for.
      if (timer.period) timer.due = Math.max(timer.due + timer.period, now);
      else timers.splice(timers.indexOf(timer), 1);
      timer.handler();
    }
  }

  function take(event) {
    if (typeof event === "object") emit("binaryMessage", event);
    else if (event === PINGED) emit("ping");
    else if (event === PONGED) emit("pong");
    else if (event === ENDED) {
      const { error, code, text } = JSON.parse(host.ended());
      if (error) emit("error", new SocketError(error, code, text));
      end(code ?? GOING_AWAY);
    }
  }

  try {
    // The script's side; its functions are the object's own, as scripts take them apart.
    callback({
      close: (code) => { end(code === undefined ? GOING_AWAY : Number(code) || 0); },
      on: (event, handler) => {
        if (typeof handler !== "function") return;
        const known = handlers.get(event);
        if (known === undefined) handlers.set(event, [handler]);
        else known.push(handler);
      },
      ping: () => { if (!host.ping(number)) emit("error", closeSent()); },
      send: (...message) => {
        const text = message.length ? String(message[0]).toWellFormed() : "";
        send(text.includes("\0") ? swell.shared.crossing(text) : text);
      },
      sendBinary: (...data) => { send(binary(data)); },
      setInterval: (handler, delay) => { later("setInterval", handler, delay, true); },
      setTimeout: (handler, delay) => { later("setTimeout", handler, delay, false); },
    });
    emit("open");
    while (!isOver) {
      const event = wait(number, timers.length ? untilDue() : -1);
      if (typeof event === "string") emit("message", event);
      else take(event);
      if (timers.length) fire();
    }
  } catch (error) {
    end(GOING_AWAY);
    throw error;
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
  const { number, response } = JSON.parse(host.connect(String(url ?? ""), encode(params)));
  if (number) run(number, callback);
  return response;
}

export default { connect };
