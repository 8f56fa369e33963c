import { devicePages } from "./lib/device-pages.js";

devicePages("id"); // Bahasa Indonesia; a file each, so that both run at once
