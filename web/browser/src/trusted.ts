// Workers are started by the one policy that the pages' Content-Security-Policy
// names, where a browser knows such policies.

interface Policy {
  createScriptURL(url: string): string;
}

let policy: Policy | undefined;

/** The worker at a URL of our own origin. */
export function newWorker(script: string, options?: WorkerOptions): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } };
  policy ??= trustedTypes?.createPolicy("suluh", {
    createScriptURL: (url) => {
      if (new URL(url, location.href).origin !== location.origin) throw new TypeError("not a script of ours");
      return url;
    },
  });
  return new Worker(policy?.createScriptURL(script) ?? script, options);
}
