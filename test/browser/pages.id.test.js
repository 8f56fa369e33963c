import { pages } from "./lib/pages.js";

pages("id"); // Bahasa Indonesia; a file each, so that both run at once
