// Stands in for the recipients.js of age-encryption where its index.js asks for
// it: only post-quantum keys are sealed to and opened by here.
export { HybridIdentity, HybridRecipient, generateHybridIdentity, identityToRecipient } from "../../node_modules/age-encryption/dist/recipients.js";

class Refused {
  constructor() {
    throw new Error("this kind of key is not part of this build");
  }
}

export {
  Refused as HybridTagRecipient,
  Refused as ScryptIdentity,
  Refused as ScryptRecipient,
  Refused as TagRecipient,
  Refused as X25519Identity,
  Refused as X25519Recipient,
  Refused as generateIdentity,
  Refused as generateX25519Identity,
};
