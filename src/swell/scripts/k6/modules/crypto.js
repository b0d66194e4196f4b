// k6/crypto: digests, keyed digests and random bytes.
import host from "swell:host/crypto";
import swell from "swell:core";
import { data } from "swell:lib/data";

const encodingOf = (value) => (value === undefined || value === null ? "" : String(value));

// Keeps what it was given, so that a digest may be asked for at any time, and more added after it.
class Hasher {
  #algorithm;
  #key;
  #parts = [];

  constructor(algorithm, key) {
    this.#algorithm = algorithm;
    this.#key = key;
    host.known(algorithm);
  }

  update(input) { this.#parts.push(data(input)); }
  digest(encoding) { return host.digest(this.#algorithm, this.#key, encodingOf(encoding), ...this.#parts); }
}

Hasher.prototype[swell.methods] = "";

export const createHash = (algorithm) => new Hasher(String(algorithm), null);
export const createHMAC = (algorithm, key) => new Hasher(String(algorithm), data(key));
export function hmac(algorithm, key, input, encoding) {
  const hasher = createHMAC(algorithm, key);
  hasher.update(input);
  return hasher.digest(encoding);
}

const digestOf = (algorithm) => (input, encoding) =>
  host.digest(algorithm, null, encodingOf(encoding), data(input, algorithm));

export const md4 = digestOf("md4");
export const md5 = digestOf("md5");
export const sha1 = digestOf("sha1");
export const sha256 = digestOf("sha256");
export const sha384 = digestOf("sha384");
export const sha512 = digestOf("sha512");
export const sha512_224 = digestOf("sha512_224");
export const sha512_256 = digestOf("sha512_256");
export const ripemd160 = digestOf("ripemd160");

export function randomBytes(size) {
  const count = Math.trunc(Number(size));
  if (!(count >= 1)) throw new swell.GoError("invalid size");
  return host.random(count);
}

export const hexEncode = (input) => host.hex(data(input));

export default {
  createHash, createHMAC, hmac, md4, md5, sha1, sha256, sha384, sha512, sha512_224, sha512_256, ripemd160,
  randomBytes, hexEncode,
};
