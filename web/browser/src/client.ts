// The page's side of the worker: what the pages call. It holds no secret.

import { type Call, type CodeError, type Day, Failure, type Form, type FromWorker, type Inspection, type Progress, type Reply, type Roster, type Sent, type Standing, type State, type ToWorker, type TryError, type View } from "./types.js";
import { newWorker } from "./trusted.js";

/** Everything that pages can ask of the worker. Every promise rejects with a Failure. */
export interface Client {
  readonly state: State;
  readonly roster: Roster;
  readonly unwitnessed: boolean;

  /**
   * Fixes code and keys of a report; they are made on this device, for the page's life. The same choice of readers has
   * the same code until forget is called.
   */
  prepare(form: Pick<Form, "unit" | "without">): Promise<{ words: string[] }>;

  /** Seals and sends a report. The same form sent again is the same case. */
  send(form: Form, files: File[], onProgress: (p: Progress) => void, signal: AbortSignal): Promise<Sent>;

  /** Tells what a file says besides what it shows. */
  inspect(file: File): Promise<Inspection>;

  /** Opens a case by what was typed as its code; the code stays here. */
  look(typed: string): Promise<View | CodeError>;

  /**
   * Sends a message to a case. The once value, 64 hexadecimal digits made when the form is shown, makes the same message
   * sent again the same.
   */
  reply(view: View, once: string, reply: Reply, files: File[], onProgress: (p: Progress) => void, signal: AbortSignal): Promise<Sent>;

  /** Destroys an answer in the vault: nothing of it is left when the promise is kept. The day is that on which it was. */
  destroy(view: View, object: string): Promise<Day>;

  /** Checks what was typed against the code that prepare gave: null if it is that. */
  tryCode(typed: string): Promise<TryError | null>;

  /** Asks how the vault is, and which roster holds. */
  refresh(): Promise<void>;

  /** Forgets seed, codes and cases. */
  forget(): Promise<void>;

  /** Ends the worker: everything in it is gone. */
  stop(): void;
}

const patience = 60_000; // ms until the worker has started and checked the roster

interface Waiting {
  resolve: (value: never) => void;
  reject: (reason: Failure) => void;
  onProgress: (p: Progress) => void;
}

class Connection {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private ids = 0;
  private broken: Failure | null = null;

  constructor(script: string) {
    this.worker = newWorker(script);
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      const w = this.waiting.get(data.id);
      if (!w) return;
      if ("progress" in data) {
        w.onProgress(data.progress);
        return;
      }
      this.waiting.delete(data.id);
      if ("failure" in data) w.reject(new Failure(data.failure.kind, data.failure.file));
      else w.resolve(data.value as never);
    };
    this.worker.onerror = (e) => {
      e.preventDefault();
      this.end(new Failure("blocked"));
    };
  }

  call<T>(c: Call, onProgress: (p: Progress) => void = () => {}, signal?: AbortSignal): Promise<T> {
    const id = ++this.ids;
    const post = (m: ToWorker) => this.worker.postMessage(m);
    return new Promise<T>((resolve, reject) => {
      if (this.broken) return reject(this.broken);
      const abort = () => post({ id, abort: true });
      const settle = <A>(f: (a: A) => void) => (a: A) => {
        signal?.removeEventListener("abort", abort);
        f(a);
      };
      this.waiting.set(id, { resolve: settle(resolve as (value: never) => void), reject: settle(reject), onProgress });
      post({ id, ...c });
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort);
    });
  }

  /** Ends the worker, and whatever waits for it. */
  end(why: Failure): void {
    this.broken = why;
    this.worker.terminate();
    for (const w of this.waiting.values()) w.reject(why);
    this.waiting.clear();
  }
}

/**
 * Starts the worker, and checks roster and log. The base is the URL of the vault's endpoints (…/deposit/v1/), the root
 * key is the one that the page was served with, the script is the worker's URL.
 */
export async function start(base: string, rootKey: string, script: string): Promise<Client> {
  if (!isModern()) throw new Failure("old-browser");
  let connection: Connection;
  try {
    connection = new Connection(script);
  } catch {
    throw new Failure("blocked");
  }
  const timer = setTimeout(() => connection.end(new Failure("timeout")), patience);
  let now: Standing;
  try {
    now = await connection.call<Standing>({ call: "start", base: new URL(base, location.href).href, rootKey });
  } catch (e) {
    connection.end(e as Failure);
    throw e;
  } finally {
    clearTimeout(timer);
  }
  return {
    get state() {
      return now.state;
    },
    get roster() {
      return now.roster;
    },
    get unwitnessed() {
      return now.unwitnessed;
    },
    prepare: ({ unit, without }) => connection.call({ call: "prepare", form: { unit, without } }),
    send: (form, files, onProgress, signal) => connection.call({ call: "send", form, files }, onProgress, signal),
    inspect: (file) => connection.call({ call: "inspect", file }),
    look: (typed) => connection.call({ call: "look", typed }),
    reply: (view, once, reply, files, onProgress, signal) =>
      connection.call({ call: "reply", view: view.handle, once, reply, files }, onProgress, signal),
    destroy: (view, object) => connection.call({ call: "destroy", view: view.handle, object }),
    tryCode: (typed) => connection.call({ call: "tryCode", typed }),
    refresh: async () => {
      now = await connection.call<Standing>({ call: "refresh" });
    },
    forget: () => connection.call({ call: "forget" }),
    stop: () => connection.end(new Failure("aborted")),
  };
}

/** Whether the browser has what the worker needs, as far as a page can tell. */
function isModern(): boolean {
  return (
    typeof Worker === "function" &&
    typeof TransformStream === "function" &&
    typeof BigInt === "function" &&
    typeof Blob.prototype.stream === "function" &&
    typeof globalThis.crypto?.getRandomValues === "function"
  );
}
