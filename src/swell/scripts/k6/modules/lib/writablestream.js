// Writable streams, as the WHATWG Streams Standard describes them.
import { Deferred, SizedQueue, attempt, member, strategyOf } from "swell:lib/streamparts";

// Erroring: it will be errored as soon as the sink is done with what it is at.
const WRITABLE = "writable", CLOSED = "closed", ERRORING = "erroring", ERRORED = "errored";
// Stands in the queue for the end.
const CLOSE = Symbol("close");

// The state of a stream, which its stream, its controller and its writer share.
class Writable {
  state = WRITABLE;
  error = undefined;
  writer = undefined;
  #queue = new SizedQueue();
  #writes = [];
  #write = undefined;
  #close = undefined;
  #isClosing = false;
  #abort = undefined;
  #isStarted = false;
  #isFull;
  #sink;
  #strategy;

  constructor(sink, strategy) {
    this.#sink = sink;
    this.#strategy = strategy;
    this.#isFull = strategy.highWaterMark <= 0;
    this.controller = new WritableStreamDefaultController(this);
  }

  start() {
    // What it throws, the constructor throws.
    const result = this.#sink.start?.(this.controller);
    attempt(() => result).then(
      () => { this.#isStarted = true; this.#advance(); },
      (error) => { this.#isStarted = true; this.#reject(error); },
    );
  }

  get desiredSize() {
    if (this.state === CLOSED) return 0;
    return this.state === WRITABLE ? this.#strategy.highWaterMark - this.#queue.total : null;
  }

  // Whether the end is queued or the sink is at it.
  get isEnding() { return this.#close !== undefined; }

  get isFull() { return this.#isFull && !this.isEnding; }

  // What the writer does

  write(chunk, isReleased) {
    let size = 1;
    try {
      const { size: measure } = this.#strategy;
      size = measure(chunk);
    } catch (error) {
      this.fail(error);
    }
    if (isReleased()) return Promise.reject(new TypeError("stream is undefined"));
    if (this.state === ERRORED) return Promise.reject(this.error);
    if (this.state === CLOSED || this.isEnding) {
      return Promise.reject(new TypeError("stream is closing or closed"));
    }
    if (this.state === ERRORING) return Promise.reject(this.error);
    const write = new Deferred();
    this.#writes.push(write);
    try {
      this.#queue.push(chunk, size);
    } catch (error) {
      this.fail(error);
      return write.promise;
    }
    this.#tellWhetherFull();
    this.#advance();
    return write.promise;
  }

  close() {
    if (this.isEnding) return Promise.reject(new TypeError("stream is already closing"));
    if (this.state === CLOSED || this.state === ERRORED) {
      return Promise.reject(new TypeError("stream is already closed or errored"));
    }
    this.#close = new Deferred();
    if (this.#isFull && this.state === WRITABLE) this.writer?.ready.resolve();
    const { promise } = this.#close;
    this.#queue.push(CLOSE, 0);
    this.#advance();
    return promise;
  }

  abort(reason) {
    if (this.state === CLOSED || this.state === ERRORED) return Promise.resolve();
    if (this.#abort === undefined) {
      const wasErroring = this.state === ERRORING;
      this.#abort = { reason, wasErroring, done: new Deferred() };
      if (!wasErroring) this.fail(reason);
    }
    return this.#abort.done.promise;
  }

  // Ends: by the controller, by a failing sink, by an abort

  fail(reason) {
    if (this.state !== WRITABLE) return;
    this.state = ERRORING;
    this.error = reason;
    this.writer?.rejectReady(reason);
    if (!this.#isBusy && this.#isStarted) this.#finishErroring();
  }

  get #isBusy() { return this.#write !== undefined || this.#isClosing; }

  #reject(error) {
    if (this.state === WRITABLE) this.fail(error);
    else this.#finishErroring();
  }

  #finishErroring() {
    this.state = ERRORED;
    this.#queue.clear();
    for (const write of this.#writes.splice(0)) write.reject(this.error);
    const abort = this.#abort;
    this.#abort = undefined;
    if (abort === undefined || abort.wasErroring) {
      abort?.done.reject(this.error);
      this.#rejectEnds();
      return;
    }
    attempt(this.#sink.abort, abort.reason).then(
      () => { abort.done.resolve(); this.#rejectEnds(); },
      (error) => { abort.done.reject(error); this.#rejectEnds(); },
    );
  }

  #rejectEnds() {
    this.#close?.reject(this.error);
    this.#close = undefined;
    this.writer?.closed.reject(this.error);
  }

  // What the sink does

  #advance() {
    if (!this.#isStarted || this.#isBusy) return;
    if (this.state === ERRORING) this.#finishErroring();
    else if (this.#queue.length === 0) return;
    else if (this.#queue.peek() === CLOSE) this.#sinkClose();
    else this.#sinkWrite(this.#queue.peek());
  }

  #sinkWrite(chunk) {
    const write = this.#write = this.#writes.shift();
    attempt(this.#sink.write, chunk, this.controller).then(
      () => {
        this.#write = undefined;
        write.resolve();
        this.#queue.shift();
        this.#tellWhetherFull();
        this.#advance();
      },
      (error) => {
        this.#write = undefined;
        write.reject(error);
        this.#reject(error);
      },
    );
  }

  #sinkClose() {
    const close = this.#close;
    this.#isClosing = true;
    this.#queue.shift();
    const end = () => {
      this.#isClosing = false;
      this.#close = undefined;
    };
    attempt(this.#sink.close).then(
      () => {
        end();
        close.resolve();
        // It closed in time: an abort that came meanwhile has nothing to do.
        this.#abort?.done.resolve();
        this.#abort = undefined;
        this.state = CLOSED;
        this.writer?.closed.resolve();
      },
      (error) => {
        end();
        close.reject(error);
        this.#abort?.done.reject(error);
        this.#abort = undefined;
        this.#reject(error);
      },
    );
  }

  #tellWhetherFull() {
    if (this.isEnding || this.state !== WRITABLE) return;
    const isFull = this.desiredSize <= 0;
    if (isFull !== this.#isFull && this.writer !== undefined) {
      if (isFull) this.writer.ready = new Deferred().quiet();
      else this.writer.ready.resolve();
    }
    this.#isFull = isFull;
  }
}

class WritableStreamDefaultController {
  constructor(writable) {
    this.error = (reason) => writable.fail(reason);
  }
}

let writableOf;

export class WritableStream {
  #writable;

  static {
    writableOf = (stream) => (
      stream !== null && typeof stream === "object" && #writable in stream ? stream.#writable : undefined
    );
  }

  constructor(sink, strategy) {
    this.#writable = new Writable(sinkOf(sink), strategyOf(strategy));
    const locked = (what) => Promise.reject(new TypeError(`cannot ${what} a locked stream`));
    // Functions that belong to their object, since scripts hand them on alone.
    this.abort = (reason) => (this.locked ? locked("abort") : this.#writable.abort(reason));
    this.close = () => (this.locked ? locked("close") : this.#writable.close());
    this.getWriter = () => new WritableStreamDefaultWriter(this);
    this.#writable.start();
  }

  get locked() { return this.#writable.writer !== undefined; }
}

function sinkOf(given) {
  if (given === undefined) return {};
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw new TypeError("underlyingSink must be an object");
  }
  if (given.type !== undefined) throw new RangeError("'type' is not supported by WritableStream");
  const kind = "underlyingSink";
  return {
    start: member(given, "start", kind), write: member(given, "write", kind),
    close: member(given, "close", kind), abort: member(given, "abort", kind),
  };
}

// What a writer waits for.
class Waits {
  ready = new Deferred().quiet();
  closed = new Deferred().quiet();

  constructor(writable) {
    if (writable.state === ERRORED || writable.state === ERRORING) this.rejectReady(writable.error);
    else if (!writable.isFull) this.ready.resolve();
    if (writable.state === CLOSED) this.closed.resolve();
    else if (writable.state === ERRORED) this.closed.reject(writable.error);
  }

  rejectReady(reason) {
    this.ready.reject(reason);
    // It may have been resolved before.
    this.ready = Deferred.rejected(reason);
  }

  release() {
    const reason = new TypeError("writer released");
    this.rejectReady(reason);
    this.closed.reject(reason);
    this.closed = Deferred.rejected(reason);
  }
}

export class WritableStreamDefaultWriter {
  #writable;
  #waits;

  constructor(...given) {
    if (given.length !== 1) throw new TypeError("WritableStreamDefaultWriter takes a single argument");
    this.#writable = writableOf(given[0]);
    if (this.#writable === undefined) {
      throw new TypeError("WritableStreamDefaultWriter argument must be a WritableStream");
    }
    if (this.#writable.writer !== undefined) throw new TypeError("stream is locked");
    this.#waits = this.#writable.writer = new Waits(this.#writable);
  }

  static #of(value) {
    if (value !== null && typeof value === "object" && #waits in value) return value;
    throw new TypeError("value is not a WritableStreamDefaultWriter");
  }

  get closed() { return WritableStreamDefaultWriter.#of(this).#waits.closed.promise; }
  get ready() { return WritableStreamDefaultWriter.#of(this).#waits.ready.promise; }

  get desiredSize() {
    const writable = WritableStreamDefaultWriter.#of(this).#writable;
    if (writable === undefined) throw new TypeError("stream is undefined");
    return writable.desiredSize;
  }

  write(chunk) {
    const writer = WritableStreamDefaultWriter.#of(this);
    return writer.#ask((writable) => writable.write(chunk, () => writer.#writable !== writable));
  }

  close() { return WritableStreamDefaultWriter.#of(this).#ask((writable) => writable.close()); }
  abort(reason) { return WritableStreamDefaultWriter.#of(this).#ask((writable) => writable.abort(reason)); }

  releaseLock() {
    const writer = WritableStreamDefaultWriter.#of(this);
    if (writer.#writable === undefined) return;
    writer.#writable.writer = undefined;
    writer.#writable = undefined;
    writer.#waits.release();
  }

  #ask(question) {
    if (this.#writable === undefined) return Promise.reject(new TypeError("stream is undefined"));
    return question(this.#writable);
  }
}
