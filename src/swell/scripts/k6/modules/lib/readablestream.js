// Readable streams, as the WHATWG Streams Standard describes them.
import swell from "swell:core";
import { Deferred, SizedQueue, attempt, member, strategyOf } from "swell:lib/streamparts";

const READABLE = "readable", CLOSED = "closed", ERRORED = "errored";

// The state of a stream, which its stream, its controller and its reader share.
class Readable {
  state = READABLE;
  error = undefined;
  reader = undefined;
  #queue = new SizedQueue();
  #source;
  #strategy;
  #isStarted = false;
  #isClosing = false;
  #isPulling = false;
  #isPullingAgain = false;

  constructor(source, strategy) {
    this.#source = source;
    this.#strategy = strategy;
    this.controller = new ReadableStreamDefaultController(this);
  }

  start() {
    // What it throws, the constructor throws.
    const result = this.#source.start?.(this.controller);
    attempt(() => result).then(
      () => { this.#isStarted = true; this.#pull(); },
      (error) => this.fail(error),
    );
  }

  get desiredSize() {
    if (this.state === READABLE) return this.#strategy.highWaterMark - this.#queue.total;
    return this.state === CLOSED ? 0 : null;
  }

  get #isOpen() { return this.state === READABLE && !this.#isClosing; }

  // What the source does

  enqueue(chunk) {
    if (!this.#isOpen) throw new TypeError("cannot close or enqueue");
    if (this.reader?.reads.length) {
      this.reader.reads.shift().resolve({ value: chunk, done: false });
    } else {
      try {
        const { size } = this.#strategy;
        this.#queue.push(chunk, size(chunk));
      } catch (error) {
        this.fail(error);
        throw error;
      }
    }
    this.#pull();
  }

  close() {
    if (!this.#isOpen) throw new TypeError("cannot close or enqueue");
    this.#isClosing = true;
    if (this.#queue.length === 0) this.#finish();
  }

  fail(error) {
    if (this.state !== READABLE) return;
    this.#end(ERRORED);
    this.error = error;
    const { reader } = this;
    if (reader === undefined) return;
    reader.closed.reject(error);
    for (const read of reader.reads.splice(0)) read.reject(error);
  }

  #finish() {
    this.#end(CLOSED);
    const { reader } = this;
    if (reader === undefined) return;
    reader.closed.resolve();
    for (const read of reader.reads.splice(0)) read.resolve({ value: undefined, done: true });
  }

  #end(state) {
    this.state = state;
    this.#queue.clear();
  }

  // What the reader does

  read() {
    if (this.state === ERRORED) return Promise.reject(this.error);
    if (this.state === CLOSED) return Promise.resolve({ value: undefined, done: true });
    if (this.#queue.length) {
      const value = this.#queue.shift();
      if (this.#isClosing && this.#queue.length === 0) this.#finish();
      else this.#pull();
      return Promise.resolve({ value, done: false });
    }
    const read = new Deferred();
    this.reader.reads.push(read);
    this.#pull();
    return read.promise;
  }

  async cancel(reason) {
    if (this.state === ERRORED) throw this.error;
    if (this.state === CLOSED) return;
    this.#finish();
    await attempt(this.#source.cancel, reason);
  }

  // Ask the source for more, where more is wanted and it is not at it already.
  #pull() {
    if (!this.#isWanting) return;
    if (this.#isPulling) {
      this.#isPullingAgain = true;
      return;
    }
    this.#isPulling = true;
    attempt(this.#source.pull, this.controller).then(
      () => {
        this.#isPulling = false;
        if (this.#isPullingAgain) {
          this.#isPullingAgain = false;
          this.#pull();
        }
      },
      (error) => this.fail(error),
    );
  }

  get #isWanting() {
    return this.#isOpen && this.#isStarted && (Boolean(this.reader?.reads.length) || this.desiredSize > 0);
  }
}

// Functions that belong to their object, since scripts hand them on alone.
export class ReadableStreamDefaultController {
  #readable;

  constructor(readable) {
    this.#readable = readable;
    this.enqueue = (chunk) => readable.enqueue(chunk);
    this.close = () => readable.close();
    this.error = (reason) => readable.fail(reason);
  }

  get desiredSize() { return this.#readable.desiredSize; }
}

let readableOf;

export class ReadableStream {
  #readable;

  static {
    readableOf = (stream) => (
      stream !== null && typeof stream === "object" && #readable in stream ? stream.#readable : undefined
    );
  }

  constructor(source, strategy) {
    this.#readable = new Readable(sourceOf(source), strategyOf(strategy));
    this.getReader = (options) => {
      const mode = options?.mode;
      if (mode === "byob") throw new swell.GoError("NotSupportedError:'byob' mode is not supported yet");
      if (mode !== undefined) throw new TypeError("options.mode is not 'byob'");
      return new ReadableStreamDefaultReader(this);
    };
    this.cancel = (reason) => (
      this.locked ? Promise.reject(new TypeError("cannot cancel a locked stream")) : this.#readable.cancel(reason)
    );
    this.#readable.start();
  }

  get locked() { return this.#readable.reader !== undefined; }

  tee() { throw new swell.GoError("NotSupportedError:'tee()' is not supported yet"); }

  // Beyond k6, whose language has no loop for it.
  async *values(options) {
    const reader = this.getReader();
    let isOver = false;
    try {
      for (;;) {
        const { value, done } = await reader.read().catch((error) => { isOver = true; throw error; });
        if (done) {
          isOver = true;
          return;
        }
        yield value;
      }
    } finally {
      const left = isOver || options?.preventCancel ? undefined : reader.cancel();
      reader.releaseLock();
      await left;
    }
  }

  [Symbol.asyncIterator](options) { return this.values(options); }
}

function sourceOf(given) {
  if (given === undefined) return {};
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw new TypeError("underlyingSource must be an object");
  }
  if (given.type === "bytes") throw new swell.GoError("NotSupportedError:'bytes' stream is not supported yet");
  if (given.type !== undefined) throw new TypeError("invalid underlying source type");
  const kind = "underlyingSource";
  return {
    start: member(given, "start", kind), pull: member(given, "pull", kind), cancel: member(given, "cancel", kind),
  };
}

export class ReadableStreamDefaultReader {
  #closed;

  constructor(...given) {
    if (given.length !== 1) throw new TypeError("ReadableStreamDefaultReader takes a single argument");
    let readable = readableOf(given[0]);
    if (readable === undefined) {
      throw new TypeError("ReadableStreamDefaultReader argument must be a ReadableStream");
    }
    if (readable.reader !== undefined) throw new TypeError("stream is locked");
    const reader = readable.reader = { reads: [], closed: new Deferred().quiet() };
    if (readable.state === CLOSED) reader.closed.resolve();
    else if (readable.state === ERRORED) reader.closed.reject(readable.error);
    this.#closed = reader.closed;
    const gone = () => Promise.reject(new TypeError("stream is undefined"));
    this.read = () => (readable === undefined ? gone() : readable.read());
    this.cancel = (reason) => (readable === undefined ? gone() : readable.cancel(reason));
    this.releaseLock = () => {
      if (readable === undefined) return;
      if (readable.state === READABLE) reader.closed.reject(new TypeError("stream is readable"));
      else this.#closed = Deferred.rejected(new TypeError("stream is not readable"));
      readable.reader = readable = undefined;
      for (const read of reader.reads.splice(0)) read.reject(new TypeError("reader released"));
    };
  }

  get closed() { return this.#closed.promise; }
}
