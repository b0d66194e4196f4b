// k6/crypto/x509: what a certificate says.
import host from "swell:host/x509";

export function parse(pem) {
  const told = JSON.parse(host.parse(String(pem)));
  // Numbers of a key are larger than a number can hold.
  for (const name of ["n", "x", "y"]) {
    if (told.publicKey.key[name] !== undefined) told.publicKey.key[name] = BigInt(told.publicKey.key[name]);
  }
  return told;
}

export const getAltNames = (pem) => JSON.parse(host.altNames(String(pem)));
export const getIssuer = (pem) => JSON.parse(host.issuer(String(pem)));
export const getSubject = (pem) => JSON.parse(host.subject(String(pem)));

export default { parse, getAltNames, getIssuer, getSubject };
