// The pages' script. It is loaded deferred, beside pages that work without it.
export {};
