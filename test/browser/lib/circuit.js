// Stands where tor does: what comes to a port of loopback goes to intake's socket as one
// circuit. Requests can be held under way until nobody else on the circuit is served.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "./person.js";

const mostAtOnce = 12; // requests under way on a circuit: web/intake/limits

export async function startCircuit(socket, n = 1) {
  const open = new Set();
  const held = new Set();
  function upstream() {
    const s = connect(socket);
    s.write(`PROXY TCP6 fc00:dead:beef:4dad::0:${n.toString(16)} ::1 ${n} 80\r\n`);
    open.add(s);
    s.on("error", () => {});
    s.on("close", () => open.delete(s));
    return s;
  }
  const server = createServer((client) => {
    const s = upstream();
    client.on("error", () => {});
    client.on("close", () => s.destroy());
    s.on("close", () => client.destroy());
    client.pipe(s);
    s.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/`;
  // Asking is counted too, so it isn't done as often as until would.
  const served = async () => {
    await sleep(300);
    const { status, headers } = await fetch(url, { headers: { connection: "close" } });
    return status === 200 ? "yes" : headers.get("retry-after") === "30" ? "not while others are" : "too often";
  };
  return {
    url,
    // hold returns once the circuit has as many requests under way as it may.
    async hold() {
      for (let i = held.size; i < mostAtOnce; i++) {
        const s = upstream();
        held.add(s);
        s.write("POST /lapor/kirim HTTP/1.1\r\nHost: uji\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x\r\n");
      }
      await until("the circuit's share to be used up", async () => (await served()) === "not while others are");
    },
    // release returns once it is served again.
    async release() {
      for (const s of held) s.destroy();
      held.clear();
      await until("the circuit to be served", async () => (await served()) === "yes");
    },
    stop() {
      server.close();
      for (const s of open) s.destroy();
    },
  };
}
