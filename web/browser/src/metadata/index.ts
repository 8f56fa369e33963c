export { type Cleaned, clean, type Result } from "./clean.js";
export { inspect } from "./inspect.js";
