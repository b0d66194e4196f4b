// k6/websockets: the WebSocket API of browsers, on the VU's event loop.
import host from "swell:host/websocket";
import swell from "swell:core";
import { Blob } from "swell:lib/blob";
import { encode } from "swell:lib/websocket";

export { Blob };

// Called without conversions: text goes whole and well-formed, and boxed where a NUL stands in it.
const { take, stamp, send: hostSend } = host;
const PINGED = 1, PONGED = 2, ENDED = 3;
const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3;
const NORMAL = 1000, FIRST_OWN = 3000, LAST_OWN = 4999, MAX_REASON = 123;
const EVENTS = ["open", "message", "error", "close", "ping", "pong"];
const PARAMS = new Set(["headers", "tags", "jar", "compression"]);

function checked(params) {
  if (params === undefined || params === null) return params;
  for (const key of Object.keys(Object(params))) {
    if (!PARAMS.has(key)) throw new swell.GoError(`unknown WebSocket's option ${key}`);
  }
  if (params.compression === "") {
    throw new swell.GoError("unsupported compression algorithm '', supported algorithm is 'deflate'");
  }
  return params;
}

function listed(protocols) {
  if (typeof protocols === "string") return [protocols];
  return Array.isArray(protocols) ? protocols.map(String) : [];
}

export class WebSocket {
  #number;
  #url;
  #state = CONNECTING;
  #protocol = "";
  #extensions = [];
  #binaryType = "blob";
  #handlers = new Map();
  #listeners = new Map(EVENTS.map((type) => [type, []]));

  constructor(url, protocols, params) {
    if (url === undefined || url === null) throw new swell.GoError("WebSocket requires a url");
    this.#url = String(url);
    host.checkAddress(this.#url);
    this.#number = host.start(this.#url, encode(checked(params)), JSON.stringify(listed(protocols)));
    swell.listen(this.#number, (told) => {
      if (typeof told === "string") this.#opened(JSON.parse(told));
      else this.#take(take(this.#number));
    });
  }

  get url() { return this.#url; }
  get readyState() { return this.#state; }
  get protocol() { return this.#protocol; }
  get extensions() { return this.#extensions; }
  get bufferedAmount() { return this.#number === undefined ? 0 : host.buffered(this.#number); }
  get binaryType() { return this.#binaryType; }
  set binaryType(kind) {
    if (kind !== "blob" && kind !== "arraybuffer") {
      throw new swell.GoError(`unknown binaryType ${String(kind)}, the supported ones are "blob" and "arraybuffer"`);
    }
    this.#binaryType = kind;
  }

  send(data) {
    this.#require();
    let content;
    if (typeof data === "string") content = swell.shared.crossing(data.toWellFormed());
    else if (data instanceof Blob) content = swell.bytes(data.content());
    else content = swell.bytes(data);
    if (content === undefined) {
      throw new swell.GoError(`unsupported send type ${data === null ? "null" : typeof data}: give a string, an ArrayBuffer, a view or a Blob`);
    }
    hostSend(this.#number, content);
  }

  ping() {
    this.#require();
    host.ping(this.#number);
  }

  close(code, reason) {
    const given = code === undefined ? NORMAL : Number(code) || NORMAL;
    const problem = "Failed to execute 'close' on 'WebSocket'";
    if (given !== NORMAL && !(given >= FIRST_OWN && given <= LAST_OWN)) {
      throw new swell.GoError(`InvalidAccessError: ${problem}: The close code must be either 1000, or between 3000 and 4999. ${given} is neither`);
    }
    const text = reason === undefined ? "" : String(reason).toWellFormed();
    if (new Blob([text]).size > MAX_REASON) {
      throw new swell.GoError(`SyntaxError: ${problem}: The message must not be greater than 123 bytes`);
    }
    if (this.#state >= CLOSING) return;
    if (this.#state === OPEN) host.close(this.#number, given, text);
    this.#state = CLOSING;
  }

  addEventListener(type, listener) {
    if (typeof listener !== "function") {
      throw new swell.GoError(`handler for event type "${type ?? ""}" isn't a callable function`);
    }
    const known = this.#listeners.get(String(type));
    if (known === undefined) host.warn(`can't add event handler: unknown event type: ${String(type)}`);
    else known.push(listener);
  }

  removeEventListener(type, listener) {
    const known = this.#listeners.get(String(type));
    if (known !== undefined) this.#listeners.set(String(type), known.filter((one) => one !== listener));
  }

  toJSON() {
    const { url, readyState, bufferedAmount, extensions, protocol, binaryType } = this;
    return { url, readyState, bufferedAmount, extensions, protocol, binaryType };
  }

  static {
    for (const type of EVENTS) {
      Object.defineProperty(this.prototype, `on${type}`, {
        configurable: true,
        enumerable: true,
        get() { return this.#handlers.get(type); },
        set(handler) {
          if (handler === null || handler === undefined) this.#handlers.delete(type);
          else if (typeof handler === "function") this.#handlers.set(type, handler);
          else throw new swell.GoError(`a value for 'on${type}' should be callable`);
        },
      });
    }
    for (const target of [this, this.prototype]) Object.assign(target, { CONNECTING, OPEN, CLOSING, CLOSED });
  }

  #require() {
    if (this.#state !== OPEN) throw new swell.GoError("InvalidStateError");
  }

  #opened({ error, protocol, extensions }) {
    if (error !== undefined) {
      this.#end(error, undefined, "");
      return;
    }
    this.#protocol = protocol;
    this.#extensions = extensions;
    if (this.#state === CLOSING) host.close(this.#number, NORMAL, "");
    else {
      this.#state = OPEN;
      this.#guarded(this.#event("open"));
    }
  }

  #take(event) {
    if (typeof event === "string") this.#message(event);
    else if (typeof event === "object") this.#message(this.#binaryType === "blob" ? new Blob([event]) : event);
    else if (event === PINGED) this.#guarded(this.#event("ping"));
    else if (event === PONGED) this.#guarded(this.#event("pong"));
    else if (event === ENDED) {
      const { error, code, text } = JSON.parse(host.ended());
      this.#end(error, code, text);
    }
  }

  #message(data) {
    // What comes after close() is nothing to the script any more.
    if (this.#state !== OPEN) return;
    const event = this.#event("message");
    event.data = data;
    event.origin = this.#url;
    this.#guarded(event);
  }

  // What a handler throws ends the connection and the iteration.
  #guarded(event) {
    try {
      this.#emit(event);
    } catch (error) {
      this.#end(String(error), undefined, "");
      throw error;
    }
  }

  #end(error, code, reason) {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    host.drop(this.#number);
    swell.forget(this.#number);
    if (error) this.#emit({ ...this.#event("error"), error });
    const event = this.#event("close");
    this.#emit(code === undefined || code === null ? { ...event, reason } : { ...event, code, reason });
  }

  #event(type) {
    return { type, target: this, timestamp: stamp() };
  }

  #emit(event) {
    const { type } = event;
    const own = this.#handlers.get(type);
    if (own !== undefined) own(event);
    const listeners = this.#listeners.get(type);
    for (let i = 0; i < listeners.length; i++) {
      const listener = listeners[i];
      listener(event);
    }
  }
}

export default { WebSocket, Blob };
