// k6/experimental/streams: data that comes and goes in chunks.
import { ReadableStream, ReadableStreamDefaultReader } from "swell:lib/readablestream";
import { CountQueuingStrategy } from "swell:lib/streamparts";
import { WritableStream, WritableStreamDefaultWriter } from "swell:lib/writablestream";

export {
  CountQueuingStrategy, ReadableStream, ReadableStreamDefaultReader, WritableStream, WritableStreamDefaultWriter,
};
export default {
  CountQueuingStrategy, ReadableStream, ReadableStreamDefaultReader, WritableStream, WritableStreamDefaultWriter,
};
