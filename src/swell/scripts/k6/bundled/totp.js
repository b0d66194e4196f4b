// Time-based one-time passwords (RFC 6238, HMAC-SHA-1): the API of jslib's totp.

import crypto from 'k6/crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The bytes of a base32 text (RFC 4648, section 6); case, blanks and padding do not matter. */
function fromBase32(secret) {
  const bytes = [];
  let bits = 0;
  let value = 0;
  for (const char of secret.toUpperCase().replace(/[\s=]/g, '')) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) throw new Error(`TOTP: ${JSON.stringify(char)} is not a base32 digit (A-Z, 2-7)`);
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
      value &= (1 << bits) - 1;
    }
  }
  return Uint8Array.from(bytes);
}

export class TOTP {
  /** `secret` in base32; `digits` is the length of the codes. */
  constructor(secret, digits = 6) {
    if (typeof secret !== 'string' || secret === '') throw new Error('TOTP: the secret must be a base32 text');
    this.secret = secret;
    this.digits = digits;
  }

  /** A promise of the code at now minus `bias` seconds, for steps of `timeStep` seconds. */
  async gen(timeStep = 30, bias = 0) {
    const counter = Math.floor((Math.floor(Date.now() / 1000) - bias) / timeStep);
    const message = new DataView(new ArrayBuffer(8));
    message.setBigUint64(0, BigInt(counter));
    const key = fromBase32(this.secret);
    const digest = new DataView(crypto.hmac('sha1', key.buffer, message.buffer, 'binary'));
    // Dynamic truncation, RFC 4226, section 5.3.
    const offset = digest.getUint8(digest.byteLength - 1) & 15;
    const code = (digest.getUint32(offset) & 0x7fffffff) % 10 ** this.digits;
    return String(code).padStart(this.digits, '0');
  }

  /** A promise of whether `code` is the one of this time step. */
  async verify(code, timeStep = 30) {
    return code === (await this.gen(timeStep));
  }
}

export default { TOTP };
