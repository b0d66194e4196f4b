// multipart/form-data bodies made by hand (RFC 7578): the API of jslib's formdata.

const TEXT = 'text/plain';
const BINARY = 'application/octet-stream';
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The bytes of a text in UTF-8 (RFC 3629), without relying on a TextEncoder. */
function utf8(text) {
  // String.toWellFormed is not known to k6, which an archive may take this file to.
  const wellFormed = text.replace(LONE_SURROGATE, '\ufffd');
  const bytes = unescape(encodeURIComponent(wellFormed));
  const made = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) made[i] = bytes.charCodeAt(i);
  return made;
}

function bytesOf(data) {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (Array.isArray(data)) return Uint8Array.from(data);
  return utf8(String(data));
}

/** File names must not end the quoted string or the header line (RFC 7578, section 2). */
const escapeName = (name) => String(name).replace(/\r?\n|\r/g, '%0D%0A').replace(/"/g, '%22');

const isFile = (value) =>
  typeof value === 'object' && !(value instanceof ArrayBuffer) && !ArrayBuffer.isView(value) && 'data' in value;

export class FormData {
  constructor() {
    const random = () => Math.random().toString(36).slice(2, 12).padEnd(10, '0');
    this.boundary = `------FormDataBoundary${random()}${random()}`;
    this.parts = [];
  }

  /** Adds a field: a text or number, bytes, or a file as `http.file` makes it ({data, filename, content_type}). */
  append(field, value, filename) {
    if (value === null || value === undefined) {
      throw new TypeError(`FormData: the value of ${JSON.stringify(field)} is ${value}; give a text, bytes or http.file()`);
    }
    const file = isFile(value) ? value : { data: value };
    const isText = !isFile(value) && typeof value !== 'object';
    this.parts.push({
      field,
      data: file.data,
      filename: file.filename ?? filename,
      type: file.content_type ?? (isText ? TEXT : BINARY),
    });
  }

  /** The whole body as an ArrayBuffer; send it with `multipart/form-data; boundary=` and `boundary`. */
  body() {
    const pieces = [];
    for (const part of this.parts) {
      const name = part.filename === undefined ? '' : `; filename="${escapeName(part.filename)}"`;
      const head = `--${this.boundary}\r\nContent-Disposition: form-data; name="${part.field}"${name}\r\n`;
      pieces.push(utf8(`${head}Content-Type: ${part.type}\r\n\r\n`), bytesOf(part.data), utf8('\r\n'));
    }
    pieces.push(utf8(`--${this.boundary}--\r\n`));
    const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole.buffer;
  }
}

export default { FormData };
