// Stands in for @noble/curves/nist.js, which the age library needs for
// hardware tags alone: reports are sealed to age1pq1… keys. It has what its
// users read when they are loaded, and fails where it would be used.
const refuse = () => {
  throw new Error("NIST curves are not part of this build");
};

const none = {
  lengths: { secretKey: 32, publicKey: 33, publicKeyUncompressed: 65, seed: 48 },
  Point: { Fn: { isLE: false } },
  getPublicKey: refuse,
  getSharedSecret: refuse,
};

export { none as p256, none as p384, none as p521 };
