// One request. It counts as lost when no byte moves any more, however long it
// takes otherwise: a slow line is not a broken one.

import type { HttpRequest, HttpResponse } from "tus-js-client/lib/upload.js";

const stalled = 120_000; // ms

/** Whether an answer may be another at the next try: somebody else works on the upload, or the service is busy or away. */
export const passing = (status: number): boolean => status === 409 || status === 423 || status === 429 || status >= 500;

export interface Answer extends HttpResponse {
  bytes: Uint8Array;
}

export class Request implements HttpRequest {
  private readonly xhr = new XMLHttpRequest();
  private readonly headers: Record<string, string> = {};
  private progress: (sent: number) => void = () => {};

  constructor(
    private readonly method: string,
    private readonly url: string,
  ) {
    this.xhr.open(method, url, true);
    this.xhr.responseType = "arraybuffer";
  }

  getMethod = () => this.method;
  getURL = () => this.url;
  getHeader = (name: string) => this.headers[name];
  getUnderlyingObject = () => this.xhr;

  setHeader(name: string, value: string): void {
    this.headers[name] = value;
    this.xhr.setRequestHeader(name, value);
  }

  setProgressHandler(progress: (sent: number) => void): void {
    this.progress = progress;
  }

  /**
   * Rejects if the connection is lost, or the request aborted. A HEAD that may have another answer is as good as lost:
   * for tus-js-client an upload that isn't told of is gone, and it would begin from the start.
   */
  send(body: XMLHttpRequestBodyInit | null): Promise<Answer> {
    const { xhr } = this;
    return new Promise((resolve, reject) => {
      const lost = () => reject(new Error("the connection is lost"));
      let timer: ReturnType<typeof setTimeout>;
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => xhr.abort(), stalled);
      };
      xhr.upload.onprogress = (e) => {
        alive();
        this.progress(e.loaded);
      };
      xhr.onprogress = alive;
      xhr.onload = () => {
        if (this.method === "HEAD" && passing(xhr.status)) return lost();
        const bytes = new Uint8Array(xhr.response as ArrayBuffer);
        resolve({
          bytes,
          getStatus: () => xhr.status,
          getHeader: (name) => xhr.getResponseHeader(name) ?? undefined,
          getBody: () => new TextDecoder().decode(bytes),
          getUnderlyingObject: () => xhr,
        });
      };
      xhr.onerror = xhr.onabort = lost;
      xhr.onloadend = () => clearTimeout(timer);
      alive();
      xhr.send(body);
    });
  }

  async abort(): Promise<void> {
    this.xhr.abort();
  }
}
