import { devicePages } from "./lib/device-pages.js";

devicePages("en"); // English; a file each, so that both run at once
