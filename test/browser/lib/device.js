// A page whose forms don't leave the device: its script has taken over.
import { until } from "./person.js";
import { words } from "./words.js";

// sealed waits until the page says that it seals on the device.
export async function sealed(person, language = "id") {
  const w = words(language);
  await until("the script to take over", async () => {
    const text = await person.text();
    return text.includes(w("intake.device.mode")) || text.includes(w("intake.device.mode.code"));
  });
}

export async function openSealed(person, url, language) {
  await person.open(url);
  await sealed(person, language);
}

// heading waits for a page by its heading.
// heading waits for a page. What stands there instead is told, since it says what went wrong.
export const heading = async (person, text) => {
  try {
    return await until(`“${text}”`, async () => (await person.heading()).startsWith(text));
  } catch (error) {
    error.message += `; there is: ${await person.text()}`;
    throw error;
  }
};

// kept runs in the page: what a browser has stored of it anywhere.
export function kept() {
  const all = [...Object.keys(localStorage), ...Object.keys(sessionStorage), document.cookie].filter(Boolean);
  const ask = [globalThis.indexedDB?.databases?.().then((d) => d.map((x) => x.name)), globalThis.caches?.keys(), navigator.serviceWorker?.getRegistrations().then((r) => r.map((x) => x.scope))];
  return Promise.all(ask.map((a) => Promise.resolve(a).catch(() => []))).then((more) => [...all, ...more.flat().filter(Boolean)]);
}
