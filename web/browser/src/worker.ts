// The worker: everything secret happens here. It takes one call after another
// from the page's side, src/client.ts, and sends answers and progress back.

import { hash, hasherName, type Scope } from "./hasher.js";
import { inspect } from "./metadata/index.js";
import { Session } from "./session.js";
import { type Call, Failure, type FromWorker, type Progress, type ToWorker } from "./types.js";

const scope = self as unknown as Scope & { readonly location: Location };
let session: Session | null = null;
const running = new Map<number, AbortController>();

function answer(c: Call, onProgress: (p: Progress) => void, signal: AbortSignal): unknown {
  if (c.call === "start") {
    session = new Session(c.base, c.rootKey, scope.location.href);
    return session.refresh();
  }
  if (!session) throw new Failure("internal");
  switch (c.call) {
    case "inspect":
      return inspect(c.file).catch(() => {
        throw new Failure("unreadable-file");
      });
    case "refresh":
      return session.refresh();
    case "prepare":
      return session.prepare(c.form);
    case "tryCode":
      return session.tryCode(c.typed);
    case "send":
      return session.send(c.form, c.files, onProgress, signal);
    case "look":
      return session.look(c.typed);
    case "reply":
      return session.reply(c.view, c.once, c.reply, c.files, onProgress, signal);
    case "destroy":
      return session.destroy(c.view, c.object);
    case "forget":
      return session.forget();
  }
}

async function serve(m: ToWorker): Promise<void> {
  const { id } = m;
  if ("abort" in m) {
    running.get(id)?.abort();
    return;
  }
  const post = (x: FromWorker) => scope.postMessage(x);
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const value = await answer(m, (progress) => post({ id, progress }), controller.signal);
    post({ id, value });
  } catch (e) {
    // What went wrong inside is told to nobody: it could hold what was typed.
    const { kind, file } = e instanceof Failure ? e : new Failure("internal");
    post({ id, failure: { kind, file } });
  } finally {
    running.delete(id);
  }
}

if (scope.name === hasherName) hash(scope);
else scope.onmessage = ({ data }: MessageEvent<ToWorker>) => void serve(data);
