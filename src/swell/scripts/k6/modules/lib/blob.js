// Blob: immutable bytes with a type.
import swell from "swell:core";
import { TextDecoder, TextEncoder } from "swell:lib/encoding";

function content(part) {
  if (typeof part === "string") return new TextEncoder().encode(part);
  if (part instanceof Blob) return part.content();
  const bytes = swell.bytes(part);
  if (bytes !== undefined) return new Uint8Array(bytes);
  const kind = part === null ? "null" : typeof part;
  throw new swell.GoError(`failed to process [blobParts]: unsupported type: ${kind}`);
}

export class Blob {
  #bytes;
  #type;

  constructor(parts, options) {
    if (parts !== undefined && parts !== null && !Array.isArray(parts)) {
      throw new swell.GoError(`failed to process [blobParts]: could not convert ${String(parts)} to an array`);
    }
    if (options !== undefined && options !== null && typeof options !== "object") {
      throw new swell.GoError("[options] must be an object");
    }
    const pieces = (parts ?? []).map(content);
    this.#bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      this.#bytes.set(piece, at);
      at += piece.length;
    }
    this.#type = options?.type === undefined ? "" : String(options.type);
  }

  get size() { return this.#bytes.length; }
  get type() { return this.#type; }
  get [Symbol.toStringTag]() { return "Blob"; }

  // The bytes themselves, for modules of ours: not to be changed.
  content() { return this.#bytes; }
  async text() { return new TextDecoder().decode(this.#bytes); }
  async arrayBuffer() { return this.#bytes.slice().buffer; }
  async bytes() { return this.#bytes.slice(); }
  slice(start, end, type) {
    return new Blob([this.#bytes.slice(start ?? 0, end ?? undefined)], { type: type ?? "" });
  }
  stream() {
    const bytes = this.#bytes.slice();
    const { ReadableStream } = swell.load("k6/experimental/streams");
    return new ReadableStream({
      start(controller) {
        if (bytes.length) controller.enqueue(bytes);
        controller.close();
      },
    });
  }
  toJSON() { return { size: this.size, type: this.#type }; }
}
