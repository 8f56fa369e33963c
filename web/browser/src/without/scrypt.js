// Stands in for @noble/hashes/scrypt.js: nothing here is sealed with a passphrase.
export function scrypt() {
  throw new Error("scrypt is not part of this build");
}
