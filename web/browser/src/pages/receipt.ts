// The receipt as a file.

import type { Screen } from "./screen.js";

/** Saves a receipt under a name that doesn't say what it is. */
export function saveReceipt(screen: Screen, receipt: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([receipt], { type: "text/plain" }));
  link.download = screen.words.t("intake.receipt.file");
  link.click(); // what the URL holds goes with the page, which shows it anyway
}
