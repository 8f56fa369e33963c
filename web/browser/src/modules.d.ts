declare module "*.txt" {
  const text: string;
  export default text;
}

// The part of tus-js-client that is used: without its defaults for pages, which
// store what was uploaded.
declare module "tus-js-client/lib/upload.js" {
  export interface HttpRequest {
    getMethod(): string;
    getURL(): string;
    setHeader(name: string, value: string): void;
    getHeader(name: string): string | undefined;
    setProgressHandler(progress: (sent: number) => void): void;
    send(body: XMLHttpRequestBodyInit | null): Promise<HttpResponse>;
    abort(): Promise<void>;
    getUnderlyingObject(): unknown;
  }

  export interface HttpResponse {
    getStatus(): number;
    getHeader(name: string): string | undefined;
    getBody(): string;
    getUnderlyingObject(): unknown;
  }

  export interface Options {
    endpoint: string;
    chunkSize: number;
    retryDelays: number[];
    storeFingerprintForResuming: boolean;
    fingerprint(): Promise<string | null>;
    fileReader: { openFile(): Promise<{ size: number; slice(start: number, end: number): Promise<{ value: Blob; done: boolean }>; close(): void }> };
    httpStack: { createRequest(method: string, url: string): HttpRequest; getName(): string };
    onShouldRetry(e: { originalResponse: HttpResponse | null; causingError: Error | null }): boolean;
    onProgress(sent: number): void;
    onSuccess(): void;
    onError(e: Error): void;
  }

  export default class BaseUpload {
    static defaultOptions: Partial<Options>;
    constructor(file: object, options: Options);
    url: string | null;
    start(): void;
    abort(terminate: boolean): Promise<void>;
  }
}
