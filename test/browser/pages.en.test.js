import { pages } from "./lib/pages.js";

pages("en"); // English; a file each, so that both run at once
