// Stands between a browser and intake as a network does: it sees every byte, may break
// connections in the middle, and may be away.
import { once } from "node:events";
import { connect, createServer } from "node:net";

export async function startProxy(url) {
  const { port, hostname } = new URL(url);
  const open = new Set();
  const proxy = { received: [], bytes: 0, away: false, cutAfter: Infinity, cuts: 0 };
  const server = createServer((client) => {
    if (proxy.away) return client.destroy();
    const upstream = connect(Number(port), hostname);
    for (const s of [client, upstream]) {
      open.add(s);
      s.on("error", () => {});
      s.on("close", () => { open.delete(s); client.destroy(); upstream.destroy(); });
    }
    let passed = 0;
    client.on("data", (data) => {
      proxy.bytes += data.length;
      passed += data.length;
      if (proxy.record) proxy.received.push(data);
      if (passed <= proxy.cutAfter) return;
      proxy.cuts++;
      client.destroy();
      upstream.destroy();
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${server.address().port}/`,
    // sent is everything that browsers sent since record was set.
    sent() { return Buffer.concat(proxy.received); },
    // leave ends all connections and takes no more, until come.
    leave() { proxy.away = true; for (const s of open) s.destroy(); },
    come() { proxy.away = false; },
    stop() { server.close(); proxy.leave(); },
  });
}
