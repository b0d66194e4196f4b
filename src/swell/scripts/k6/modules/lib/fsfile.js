// Files whose content is kept outside of the contexts, once for all VUs of a worker; each has its own place.
import host from "swell:host/fs";

export const SeekMode = Object.freeze({ Start: 0, Current: 1, End: 2 });
const numbers = new WeakMap();

// The number of a file under which Python knows it; undefined for what is none.
export const numberOf = (file) => (typeof file === "object" && file !== null ? numbers.get(file) : undefined);

class File {
  constructor(number) {
    const size = host.size(number);
    let offset = 0;
    numbers.set(this, number);
    this.path = host.path(number);
    this.read = async (into) => {
      if (into === undefined || into === null) {
        throw new TypeError("read() failed; reason: into argument cannot be null or undefined");
      }
      if (!(into instanceof Uint8Array)) {
        throw new TypeError("read() failed; reason: into argument must be a Uint8Array");
      }
      if (offset >= size || into.length === 0) return null;
      const chunk = new Uint8Array(host.read(number, offset, into.length));
      into.set(chunk);
      offset += chunk.length;
      return chunk.length;
    };
    this.seek = async (by, whence) => {
      const to = target(by, whence, offset, size);
      offset = to;
      return to;
    };
    this.stat = async () => ({ name: host.name(number), size });
  }
}

function target(by, whence, offset, size) {
  for (const [name, value] of [["offset", by], ["whence", whence]]) {
    if (value === undefined || value === null) {
      throw new TypeError(`seek() failed; reason: the ${name} argument cannot be null or undefined`);
    }
  }
  if (!Number.isInteger(by)) throw new TypeError("seek() failed; reason: the offset argument must be a number");
  if (!Object.values(SeekMode).includes(whence)) {
    throw new TypeError("seek() failed; reason: the whence argument must be a SeekMode");
  }
  if (whence === SeekMode.Start && by < 0) {
    throw new TypeError("offset cannot be negative when using SeekModeStart");
  }
  if (whence === SeekMode.End && by > 0) {
    throw new TypeError("offset cannot be positive when using SeekModeEnd");
  }
  // As in k6, the end is the last byte.
  const to = by + (whence === SeekMode.Start ? 0 : whence === SeekMode.Current ? offset : size - 1);
  if (to < 0) throw new TypeError("seeking before start of file");
  if (to > size) throw new TypeError("seeking beyond end of file");
  return to;
}

export async function open(path) {
  if (path === undefined || path === null) {
    throw new TypeError("open() failed; reason: path cannot be null or undefined");
  }
  return new File(host.open(String(path)));
}
