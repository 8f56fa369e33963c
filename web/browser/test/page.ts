// What the test page of test/browser has: the client as pages have it, with what
// a test needs to hand over.

import { type Client, start } from "../src/client.js";
import { Failure, type Form, type Progress } from "../src/types.js";

let client: Client;
let controller = new AbortController();
const views = new Map<number, Awaited<ReturnType<Client["look"]>>>();

/** Runs an action; a failure is a value. */
export async function act<T>(f: () => Promise<T>): Promise<T | { failure: string; file: number }> {
  try {
    return await f();
  } catch (e) {
    if (e instanceof Failure) return { failure: e.kind, file: e.file };
    throw e;
  }
}

export const begin = (rootKey: string, script = "/uji/worker.js") =>
  act(async () => {
    client = await start("/deposit/v1/", rootKey, script);
    return { state: client.state, roster: client.roster };
  });

/** A file of bytes that follow from its length, so that a test knows them too. */
export function made(name: string, size: number, type = "application/octet-stream"): File {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let x = size >>> 0 || 1;
  for (let left = size; left > 0; ) {
    const words = new Uint32Array(Math.min(1 << 18, Math.ceil(left / 4)));
    for (let i = 0; i < words.length; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      words[i] = x;
    }
    const part = new Uint8Array(words.buffer, 0, Math.min(left, words.byteLength));
    parts.push(part);
    left -= part.length;
  }
  return new File(parts, name, { type });
}

export interface Described {
  name: string;
  size?: number;
  type?: string;
  base64?: string;
}

const fileOf = (d: Described): File => {
  if (d.base64 === undefined) return made(d.name, d.size!, d.type);
  return new File([Uint8Array.from(atob(d.base64), (c) => c.charCodeAt(0))], d.name, { type: d.type ?? "" });
};

export const prepare = (form: Form) => act(() => client.prepare(form));
export const tryCode = (typed: string) => act(() => client.tryCode(typed));

export const progress: Progress[] = [];

export const send = (form: Form, files: (Described | File)[]) =>
  act(() => client.send(form, files.map((f) => (f instanceof File ? f : fileOf(f))), (p) => void progress.push(p), (controller = new AbortController()).signal));

export const cancel = () => controller.abort();

export const look = (typed: string) =>
  act(async () => {
    const v = await client.look(typed);
    if ("handle" in v) views.set(v.handle, v);
    return v;
  });

export const reply = (handle: number, once: string, text: string, files: Described[]) =>
  act(() =>
    client.reply(views.get(handle) as never, once, { text, language: "id", asIs: false }, files.map(fileOf), (p) => void progress.push(p), new AbortController().signal),
  );

export const destroy = (handle: number, object: string) => act(() => client.destroy(views.get(handle) as never, object));
export const refresh = () => act(() => client.refresh());
export const stop = () => client.stop();

/** What the worker draws at random, where its eyes tell. */
export const drawn: number[][] = [];
new BroadcastChannel("uji-acak").onmessage = ({ data }: MessageEvent<Uint8Array>) => void drawn.push([...data]);

/** The first unit of the roster. */
export const unit = () => client.roster.units[0]!.id;
