// Drives Debian's Firefox over Marionette, the protocol that geckodriver speaks to it.
// playwright can drive only a Firefox of its own, and WebDriver BiDi answers nothing
// while JavaScript is off, which is how these tests need it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, connect } from "node:net";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

export class Marionette {
  #socket; #process; #profile; #received = Buffer.alloc(0); #waiting = new Map(); #last = 0; #greeted;
  downloads;

  static async launch(prefs = {}) {
    const m = new Marionette();
    m.#profile = await mkdtemp(join(tmpdir(), "suluh-firefox-"));
    m.downloads = join(m.#profile, "downloads");
    await mkdir(m.downloads);
    const port = await freePort();
    const all = {
      "javascript.enabled": false,
      "marionette.port": port,
      "app.update.enabled": false,
      "browser.shell.checkDefaultBrowser": false,
      "datareporting.policy.dataSubmissionEnabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "browser.download.folderList": 2,
      "browser.download.dir": m.downloads,
      "browser.download.always_ask_before_handling_new_types": false,
      "browser.download.alwaysOpenPanel": false,
      ...prefs,
    };
    await writeFile(join(m.#profile, "user.js"),
      Object.entries(all).map(([k, v]) => `user_pref(${JSON.stringify(k)}, ${JSON.stringify(v)});`).join("\n"));
    m.#process = spawn("firefox-esr",
      ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", m.#profile, "--width", "1280", "--height", "1000"],
      { stdio: "ignore" });
    m.#socket = await m.#connect(port);
    m.#socket.setNoDelay(true);
    const greeted = new Promise((resolve) => { m.#greeted = resolve; });
    m.#socket.on("data", (data) => m.#read(data));
    await greeted;
    await m.send("WebDriver:NewSession", { pageLoadStrategy: "normal", unhandledPromptBehavior: "ignore" });
    return m;
  }

  async #connect(port) {
    for (let i = 0; i < 300; i++) {
      if (this.#process.exitCode !== null) throw new Error(`firefox ended with ${this.#process.exitCode}`);
      const socket = connect(port, "127.0.0.1");
      try { await once(socket, "connect"); return socket; } catch { await sleep(100); }
    }
    throw new Error("firefox does not open its Marionette port");
  }

  #read(data) {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const colon = this.#received.indexOf(":");
      if (colon < 0) return;
      const end = colon + 1 + Number(this.#received.subarray(0, colon));
      if (this.#received.length < end) return;
      const message = JSON.parse(this.#received.subarray(colon + 1, end));
      this.#received = this.#received.subarray(end);
      if (!Array.isArray(message)) { this.#greeted(); continue; }
      const [, id, error, result] = message;
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) reject(Object.assign(new Error(`${error.error}: ${error.message}`), { code: error.error }));
      else resolve(result && "value" in result ? result.value : result);
    }
  }

  send(command, parameters = {}) {
    const id = ++this.#last;
    const body = Buffer.from(JSON.stringify([0, id, command, parameters]));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(Buffer.concat([Buffer.from(`${body.length}:`), body]));
    });
  }

  async close() {
    this.send("Marionette:Quit", { flags: ["eForceQuit"] }).catch(() => {});
    if (this.#process.exitCode === null) await once(this.#process, "exit");
    this.#socket.destroy();
    await rm(this.#profile, { recursive: true, force: true });
  }
}
