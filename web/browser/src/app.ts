// The pages' script. The page that loads it works without it, and goes on to do
// so until all of it is there: worker, words, and a list of readers that is
// checked. From then on nothing of a form leaves the device but what the worker
// has sealed.

import { type Client, start } from "./client.js";
import { CasePage } from "./pages/case.js";
import { ReportPage } from "./pages/report.js";
import type { Page } from "./pages/page.js";
import { Screen } from "./pages/screen.js";
import { isDistrust, kindOf, troubles } from "./pages/trouble.js";
import type { Problem } from "./pages/fill.js";

/** The address of a page without its language. */
const inFirst = (path: string): string => path.replace(/^\/\w+(?=\/(lapor|cek)\b)/, "");

const patience = 20_000; // ms until the plain form is used instead

type Mode =
  | { is: "starting"; done: Promise<void> }
  | { is: "plain" } // as without this script
  | { is: "distrust"; problems: () => Problem[] } // nothing may be sent
  | { is: "device"; page: Page; client: Client };

function run(): void {
  const screen = new Screen();
  const { root, base, worker, most } = screen.address.dataset;
  if (!root || !base || !worker) return;
  let mode: Mode;
  let busy = false;
  let leaving = false;

  const settle = async (): Promise<void> => {
    let late = false;
    const begun = screen.load().then(async () => {
      const client = await start(base, root, worker);
      if (late) client.stop();
      return client;
    });
    const timeout = new Promise<never>((_, reject) => setTimeout(() => reject(new Error()), patience));
    try {
      const client = await Promise.race([begun, timeout]);
      const page = screen.form.querySelector("#kode") ? new CasePage(screen, client, Number(most)) : new ReportPage(screen, client, Number(most));
      mode = { is: "device", page, client };
      screen.mode(screen.words.t(page.mode));
      screen.warn(client.unwitnessed);
    } catch (e) {
      late = true;
      const kind = kindOf(e);
      if (!isDistrust(kind)) {
        mode = { is: "plain" };
        // The server can seal to whoever is in its list of readers.
        if (kind === "recipient") screen.mode(screen.words.t(screen.form.querySelector("#kode") ? "intake.device.recipient.code" : "intake.device.recipient"));
        return;
      }
      mode = { is: "distrust", problems: () => troubles(screen.words, kind) };
      screen.address.hidden = true; // nothing is sealed anywhere
      screen.showHome(mode.problems());
    }
  };
  mode = { is: "starting", done: settle() };

  const act = async (form: HTMLFormElement, button: HTMLElement | null): Promise<void> => {
    const now = mode as Mode;
    const action = button?.getAttribute("formaction") ?? form.getAttribute("action") ?? "";
    const path = inFirst(action);
    if (now.is === "distrust") screen.showHome(now.problems());
    else if (now.is === "plain") form.requestSubmit(button);
    else if (now.is === "device" && button?.getAttribute("name") === "bahasa") {
      await screen.switchTo(action.slice(0, -path.length) + now.page.start);
      screen.mode(screen.words.t(now.page.mode));
      screen.warn(now.client.unwitnessed);
      history.replaceState(history.state, "", screen.path(inFirst(location.pathname)));
      now.page.view();
    } else if (now.is === "device") await now.page.routes[path]?.(form, button);
  };

  document.addEventListener("submit", (event) => {
    if (mode.is === "plain") return;
    event.preventDefault();
    if (busy) return;
    busy = true;
    const { submitter } = event;
    const form = event.target as HTMLFormElement;
    const waiting = mode.is === "starting" ? mode.done : Promise.resolve();
    void waiting
      .then(() => {
        busy = mode.is === "device";
        return act(form, submitter);
      })
      .catch((e: unknown) => {
        if (mode.is === "device") screen.showHome(troubles(screen.words, kindOf(e)));
      })
      .finally(() => (busy = false));
  });

  history.replaceState(null, "");
  addEventListener("popstate", (event) => {
    if (mode.is === "device" && !leaving) mode.page.go(screen.arrive(event.state));
  });
  addEventListener("beforeunload", (event) => {
    if (mode.is === "device" && mode.page.unsaved && !leaving) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    const href = link?.getAttribute("href");
    if (!link || !href || mode.is !== "device") return;
    if (href.startsWith("#")) {
      // A link within the page is no step in its history.
      event.preventDefault();
      const target = document.getElementById(href.slice(1));
      target?.closest("details")?.setAttribute("open", "");
      target?.scrollIntoView();
      target?.focus();
    } else if (link.rel === "noreferrer") {
      event.preventDefault();
      leaving = true;
      mode.client.stop();
      screen.leave(link.href);
    } else {
      leaving = true; // by choice
    }
  });
}

if (document.getElementById("cara")?.dataset["root"]) run();
