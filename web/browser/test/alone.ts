// The age library alone, to measure against.

import { Encrypter, generateHybridIdentity, identityToRecipient } from "age-encryption";

export async function seal(file: File): Promise<void> {
  const e = new Encrypter();
  e.addRecipient(await identityToRecipient(await generateHybridIdentity()));
  const reader = (await e.encrypt(file.stream())).getReader();
  while (!(await reader.read()).done);
}
