// The global `crypto` (W3C Web Cryptography API), as far as k6 has it.
import host from "swell:host/webcrypto";
import swell from "swell:core";
import encoding from "k6/encoding";

const fault = (name, message) => swell.makeError(name, message);
const refuse = (what) => { throw fault("NotSupportedError", what); };

function bytes(value, what) {
  const found = swell.bytes(value);
  if (found === undefined) throw new TypeError(`${what} must be an ArrayBuffer or a view of one`);
  return found;
}

const NAMES = new Map([
  "AES-CBC", "AES-CTR", "AES-GCM", "AES-KW", "HMAC", "RSA-OAEP", "RSA-PSS", "RSASSA-PKCS1-v1_5", "ECDSA", "ECDH", "PBKDF2",
  "SHA-1", "SHA-256", "SHA-384", "SHA-512",
].map((name) => [name.toUpperCase(), name]));
const HASH_BITS = { "SHA-1": 512, "SHA-256": 512, "SHA-384": 1024, "SHA-512": 1024 };

function named(given, what) {
  const text = typeof given === "string" ? given : given?.name;
  const found = NAMES.get(String(text).toUpperCase());
  if (text === undefined || found === undefined) refuse(`unsupported ${what}: ${text}`);
  return found;
}
function hashOf(algorithm) {
  if (algorithm.hash === undefined) throw fault("SyntaxError", "the algorithm needs a hash");
  const name = named(algorithm.hash, "hash algorithm");
  if (HASH_BITS[name] === undefined) refuse(`unsupported hash algorithm: ${name}`);
  return name;
}

// A length: scripts have it as text, too.
const count = (value) => (typeof value === "string" && value.trim() !== "" ? Number(value) : value);

// What a key tells of its algorithm: k6 shows the name again in the parts that its own description is made of.
const described = (name, rest) => ({ algorithm: { name }, name, ...rest });
const describedTwice = (name, rest) => ({ key_algorithm: described(name), ...described(name, rest) });

export class CryptoKey {
  #data;
  constructor(type, extractable, algorithm, usages, data) {
    if (data === undefined) throw new TypeError("a CryptoKey is made by crypto.subtle");
    Object.assign(this, { type, extractable: Boolean(extractable), algorithm, usages: [...usages] });
    this.#data = data;
  }
  static data(key) { return key.#data; }
  get [Symbol.toStringTag]() { return "CryptoKey"; }
}
const dataOf = CryptoKey.data;

function usable(key, usage, name) {
  if (!(key instanceof CryptoKey)) throw new TypeError("this is no CryptoKey");
  if (key.algorithm.name !== name) throw fault("InvalidAccessError", `the key is for ${key.algorithm.name}, not for ${name}`);
  if (!key.usages.includes(usage)) throw fault("InvalidAccessError", `the key is not to be used to ${usage}`);
  return dataOf(key);
}

// Which usages a key may have, by its type.
const USAGES = {
  "AES-CBC": { secret: ["encrypt", "decrypt", "wrapKey", "unwrapKey"] },
  "AES-CTR": { secret: ["encrypt", "decrypt", "wrapKey", "unwrapKey"] },
  "AES-GCM": { secret: ["encrypt", "decrypt", "wrapKey", "unwrapKey"] },
  "AES-KW": { secret: ["wrapKey", "unwrapKey"] },
  HMAC: { secret: ["sign", "verify"] },
  PBKDF2: { secret: ["deriveKey", "deriveBits"] },
  "RSA-OAEP": { public: ["encrypt", "wrapKey"], private: ["decrypt", "unwrapKey"] },
  "RSA-PSS": { public: ["verify"], private: ["sign"] },
  "RSASSA-PKCS1-v1_5": { public: ["verify"], private: ["sign"] },
  ECDSA: { public: ["verify"], private: ["sign"] },
  ECDH: { public: [], private: ["deriveKey", "deriveBits"] },
};

function usagesFor(name, type, given) {
  const allowed = USAGES[name][type];
  const wrong = given.find((usage) => !allowed.includes(usage));
  if (wrong !== undefined) throw fault("SyntaxError", `a ${type} ${name} key cannot be used to ${wrong}`);
  if (type !== "public" && given.length === 0) throw fault("SyntaxError", "the key has no usages");
  return [...new Set(given)];
}

function aesLength(bits) {
  const number = count(bits);
  if (![128, 192, 256].includes(number)) throw fault("OperationError", `an AES key has 128, 192 or 256 bits, not ${bits}`);
  return number;
}

function symmetric(algorithm, name, data, extractable, usages) {
  const bits = data.byteLength * 8;
  if (name === "HMAC") {
    if (bits === 0) throw fault("DataError", "the key is empty");
    return new CryptoKey("secret", extractable, describedTwice(name, { hash: described(hashOf(algorithm)), length: bits }), usagesFor(name, "secret", usages), data);
  }
  if (name === "PBKDF2") {
    if (extractable) throw fault("SyntaxError", "a PBKDF2 key cannot be extractable");
    return new CryptoKey("secret", false, described(name), usagesFor(name, "secret", usages), data);
  }
  if (![128, 192, 256].includes(bits)) throw fault("DataError", `an AES key has 128, 192 or 256 bits, not ${bits}`);
  return new CryptoKey("secret", extractable, described(name, { length: bits }), usagesFor(name, "secret", usages), data);
}

function asymmetric(algorithm, name, type, data, extractable, usages) {
  const told = JSON.parse(host.describe(data, type === "private"));
  let rest;
  if (name.startsWith("RSA")) {
    if (told.kind !== "RSA") throw fault("DataError", "this is no RSA key");
    rest = { modulusLength: told.bits, hash: { name: hashOf(algorithm) } };
  } else {
    if (told.kind !== "EC" || (algorithm.namedCurve !== undefined && told.curve !== algorithm.namedCurve)) {
      throw fault("DataError", `this is no key of the curve ${algorithm.namedCurve}`);
    }
    rest = { namedCurve: told.curve };
  }
  return new CryptoKey(type, type === "public" || extractable, describedTwice(name, rest), usagesFor(name, type, usages), data);
}

function pair(algorithm, name, privateData, extractable, usages) {
  const publicUsages = usages.filter((usage) => USAGES[name].public.includes(usage));
  const privateUsages = usages.filter((usage) => USAGES[name].private.includes(usage));
  if (publicUsages.length + privateUsages.length < usages.length) throw fault("SyntaxError", `a ${name} key cannot be used for all of ${usages.join(", ")}`);
  return {
    privateKey: asymmetric(algorithm, name, "private", privateData, extractable, privateUsages),
    publicKey: asymmetric(algorithm, name, "public", host.publicOf(privateData), true, publicUsages),
  };
}

const base64url = {
  encode: (data) => encoding.b64encode(data, "rawurl"),
  decode: (text) => encoding.b64decode(String(text), "rawurl"),
};

function importJwk(jwk, algorithm, name, extractable, usages) {
  if (jwk === null || typeof jwk !== "object") throw fault("DataError", "a JSON Web Key is an object");
  if (jwk.kty === "oct") return symmetric(algorithm, name, base64url.decode(jwk.k), extractable, usages);
  const type = jwk.d === undefined ? "public" : "private";
  return asymmetric(algorithm, name, type, host.fromJwk(JSON.stringify(jwk)), extractable, usages);
}

// How the algorithm of a secret key is called in a JSON Web Key.
const jwkAlgorithm = ({ name, hash, length }) => (name === "HMAC" ? `HS${hash.name.replace("SHA-", "")}` : `A${length}${name.slice(4)}`);

function crypt(encrypts, algorithm, key, data) {
  const name = named(algorithm, "algorithm");
  const own = usable(key, encrypts ? "encrypt" : "decrypt", name);
  const content = bytes(data, "the data");
  if (name === "RSA-OAEP") {
    const label = algorithm.label === undefined ? null : bytes(algorithm.label, "label");
    return host.rsaOaep(encrypts, key.algorithm.hash.name, own, content, label);
  }
  if (name === "AES-CTR") {
    const counter = bytes(algorithm.counter, "counter");
    if (counter.byteLength !== 16) throw fault("OperationError", "counter must be 16 bytes long");
    if (!(count(algorithm.length) > 0 && count(algorithm.length) <= 128)) throw fault("OperationError", "length must be 1 to 128 bits of the counter");
    return host.aesCtr(own, counter, content);
  }
  const iv = bytes(algorithm.iv, "iv");
  if (name === "AES-CBC") {
    if (iv.byteLength !== 16) throw fault("OperationError", "iv must be 16 bytes long");
    return host.aesCbc(encrypts, own, iv, content);
  }
  if (name !== "AES-GCM") refuse(`${name} does not encrypt`);
  const bits = count(algorithm.tagLength) ?? 128;
  if (![96, 104, 112, 120, 128].includes(bits)) throw fault("OperationError", `tagLength ${bits} is not supported`);
  const additional = algorithm.additionalData === undefined ? null : bytes(algorithm.additionalData, "additionalData");
  return host.aesGcm(encrypts, own, iv, content, additional, bits);
}

// Hash and salt length of a signature.
function signature(name, algorithm, key) {
  if (name === "ECDSA") return [hashOf(algorithm), 0];
  if (name !== "RSA-PSS" && name !== "RSASSA-PKCS1-v1_5") refuse(`${name} does not sign`);
  return [key.algorithm.hash.name, name === "RSA-PSS" ? Number(algorithm.saltLength) : 0];
}

function derive(algorithm, key, wanted, usage) {
  const length = count(wanted);
  const name = named(algorithm, "algorithm");
  const own = usable(key, usage, name);
  if (name === "ECDH") {
    const other = algorithm.public;
    if (!(other instanceof CryptoKey) || other.type !== "public") throw fault("InvalidAccessError", "public must be a public key");
    const made = host.ecdh(own, dataOf(other));
    if (length === undefined || length === null) return made;
    if (length > made.byteLength * 8) throw fault("OperationError", "length is more than the curve gives");
    return made.slice(0, Math.ceil(length / 8));
  }
  if (name !== "PBKDF2") refuse(`${name} derives nothing`);
  if (!length || length % 8) throw fault("OperationError", "length must be a multiple of 8");
  if (!(algorithm.iterations > 0)) throw fault("OperationError", "iterations must be more than 0");
  return host.pbkdf2(hashOf(algorithm), own, bytes(algorithm.salt, "salt"), Number(algorithm.iterations), length);
}

class SubtleCrypto {
  async digest(algorithm, data) {
    const name = named(algorithm, "hash algorithm");
    return host.digest(name, bytes(data, "the data"));
  }
  async encrypt(algorithm, key, data) { return crypt(true, algorithm, key, data); }
  async decrypt(algorithm, key, data) { return crypt(false, algorithm, key, data); }
  async sign(algorithm, key, data) {
    const name = named(algorithm, "algorithm");
    const own = usable(key, "sign", name), content = bytes(data, "the data");
    if (name === "HMAC") return host.hmac(key.algorithm.hash.name, own, content);
    const [hash, salt] = signature(name, algorithm, key);
    return host.sign(name, hash, own, content, salt);
  }
  async verify(algorithm, key, signed, data) {
    const name = named(algorithm, "algorithm");
    const own = usable(key, "verify", name), given = bytes(signed, "the signature"), content = bytes(data, "the data");
    if (name === "HMAC") return host.hmacVerify(key.algorithm.hash.name, own, given, content);
    const [hash, salt] = signature(name, algorithm, key);
    return host.verify(name, hash, own, given, content, salt);
  }
  async generateKey(algorithm, extractable, usages) {
    const name = named(algorithm, "algorithm");
    if (name.startsWith("AES")) {
      return symmetric(algorithm, name, host.random(aesLength(algorithm.length) / 8), extractable, usages);
    }
    if (name === "HMAC") {
      return symmetric(algorithm, name, host.random((count(algorithm.length) ?? HASH_BITS[hashOf(algorithm)]) / 8), extractable, usages);
    }
    if (name.startsWith("EC")) return pair(algorithm, name, host.generateEc(String(algorithm.namedCurve)), extractable, usages);
    if (!name.startsWith("RSA")) refuse(`${name} keys are not generated`);
    const exponent = new Uint8Array(bytes(algorithm.publicExponent, "publicExponent")).reduce((sum, byte) => sum * 256 + byte, 0);
    return pair(algorithm, name, host.generateRsa(Number(algorithm.modulusLength), exponent), extractable, usages);
  }
  async importKey(format, data, algorithm, extractable, usages) {
    const name = named(algorithm, "algorithm");
    const details = typeof algorithm === "string" ? { name } : algorithm;
    if (format === "jwk") return importJwk(data, details, name, extractable, usages);
    const content = bytes(data, "the key");
    if (format === "spki") return asymmetric(details, name, "public", content, extractable, usages);
    if (format === "pkcs8") return asymmetric(details, name, "private", content, extractable, usages);
    if (format !== "raw") refuse(`unsupported key format: ${format}`);
    if (name.startsWith("EC")) return asymmetric(details, name, "public", host.ecFromRaw(String(details.namedCurve), content), extractable, usages);
    if (name.startsWith("RSA")) refuse(`${name} keys have no raw format`);
    return symmetric(details, name, content.slice(0), extractable, usages);
  }
  async exportKey(format, key) {
    if (!(key instanceof CryptoKey)) throw new TypeError("this is no CryptoKey");
    if (!key.extractable) throw fault("InvalidAccessError", "the key is not extractable");
    const own = dataOf(key);
    if (format === "jwk") {
      // Of pairs k6 tells the numbers alone.
      if (key.type !== "secret") return JSON.parse(host.toJwk(own, key.type === "private"));
      return { kty: "oct", k: base64url.encode(own), alg: jwkAlgorithm(key.algorithm), ext: true, key_ops: [...key.usages] };
    }
    const wanted = { raw: key.algorithm.namedCurve === undefined ? "secret" : "public", spki: "public", pkcs8: "private" }[format];
    if (wanted === undefined) refuse(`unsupported key format: ${format}`);
    if (key.type !== wanted) throw fault("InvalidAccessError", `a ${key.type} key has no format ${format}`);
    return format === "raw" && wanted === "public" ? host.ecToRaw(own) : own.slice(0);
  }
  async deriveBits(algorithm, key, length) { return derive(algorithm, key, length, "deriveBits"); }
  async deriveKey(algorithm, key, derived, extractable, usages) {
    const name = named(derived, "algorithm");
    const bits = name === "HMAC" ? count(derived.length) ?? HASH_BITS[hashOf(derived)] : aesLength(derived.length);
    return symmetric(derived, name, derive(algorithm, key, bits, "deriveKey"), extractable, usages);
  }
  async wrapKey() { refuse("wrapKey is not supported"); }
  async unwrapKey() { refuse("unwrapKey is not supported"); }
}

const INTEGERS = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];
const MOST = 65536;

export const crypto = {
  getRandomValues(array) {
    if (!INTEGERS.some((kind) => array instanceof kind)) throw fault("TypeMismatchError", "getRandomValues() fills an array of integers");
    if (array.byteLength > MOST) throw fault("QuotaExceededError", `getRandomValues() fills ${MOST} bytes at most`);
    if (array.byteLength) {
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(new Uint8Array(host.random(array.byteLength)));
    }
    return array;
  },
  randomUUID: () => host.uuid(),
  subtle: new SubtleCrypto(),
  CryptoKey,
};
