// A recording intake: it passes everything on to a real one and keeps each byte that a
// browser sent. Below /uji/ it has an empty page under the pages' policy, with the
// script's own client and worker. It can lose connections, and change answers.
import { createServer, request } from "node:http";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { bundle } from "../../../web/browser/test/load.js";

const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'; require-trusted-types-for 'script'; trusted-types suluh";

export class Recorder {
  requests = []; // { method, url, headers, body, status, answered }
  answer = null; // called with each request: an answer of its own, { status, headers, body }, or nothing
  change = null; // called with each request and the bytes of its answer: those to send instead
  lose = null; // called with each request: after how many bytes of its body the connection is lost
  during = null; // called with each request and how many bytes of its body have come, before the next ones

  // Eyes are put before the worker's script, to see what it draws at random.
  static async start(intake, eyes = "") {
    const r = new Recorder();
    r.intake = new URL(intake);
    const files = {
      "/uji/": ["text/html; charset=utf-8", "<!doctype html><title>uji</title><script src=/uji/page.js></script>"],
      "/uji/page.js": ["text/javascript", await bundle("page.ts", "suluh")],
      "/uji/worker.js": ["text/javascript", eyes + await readFile(new URL("../../../web/browser/dist/worker.js", import.meta.url), "utf8")],
    };
    r.server = createServer((req, res) => {
      const file = files[req.url];
      if (file) {
        res.writeHead(200, { "Content-Type": file[0], "Content-Security-Policy": policy, "Cache-Control": "no-store" });
        res.end(file[1]);
        return;
      }
      r.#pass(req, res).catch(() => res.destroy());
    });
    r.server.listen(0, "127.0.0.1");
    await once(r.server, "listening");
    r.url = `http://127.0.0.1:${r.server.address().port}/`;
    return r;
  }

  async #pass(req, res) {
    const kept = { method: req.method, url: req.url, headers: req.rawHeaders.join("\n"), body: [], lost: false, status: 0 };
    this.requests.push(kept);
    const most = this.lose?.(kept) ?? Infinity;
    const own = await this.answer?.(kept);
    if (own) {
      for await (const part of req) kept.body.push(part);
      res.writeHead(kept.status = own.status, own.headers ?? {});
      res.end(own.body);
      return;
    }
    const out = request({ host: this.intake.hostname, port: this.intake.port, method: req.method, path: req.url,
      headers: { ...req.headers, host: this.intake.host } });
    const answered = once(out, "response");
    answered.catch(() => {});
    let n = 0;
    for await (const part of req) {
      kept.body.push(part);
      n += part.length;
      if (n > most) { // the bytes up to here get through, and nobody hears of it
        kept.lost = true;
        out.write(part.subarray(0, part.length - (n - most)));
        setImmediate(() => out.destroy());
        res.destroy();
        return;
      }
      if (!out.write(part)) await once(out, "drain");
      await this.during?.(kept, n);
    }
    out.end();
    const [answer] = await answered;
    const parts = [];
    for await (const part of answer) parts.push(part);
    let body = Buffer.concat(parts);
    if (this.change) body = (await this.change(kept, body)) ?? body;
    kept.status = answer.statusCode;
    kept.answered = answer.headers;
    const headers = { ...answer.headers };
    delete headers["content-length"];
    delete headers["transfer-encoding"];
    res.writeHead(answer.statusCode, { ...headers, "Content-Length": body.length });
    res.end(body);
  }

  /** Everything that was sent, as one buffer. */
  sent() {
    return Buffer.concat(this.requests.flatMap((r) => [Buffer.from(`${r.method} ${r.url}\n${r.headers}\n`), ...r.body, Buffer.from("\n")]));
  }

  forget() { this.requests = []; }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
