// Loaded before firebase-tools. Its Auth emulator compiles a JSON schema for every operation of the
// Identity Toolkit when it starts: five seconds of processor time. The library that does so has an
// option to compile each at first use; this sets it. If the library is not as expected, nothing changes.
"use strict";
const Module = require("node:module");

const loadUnchanged = Module._load;
Module._load = function load(request, ...rest) {
  const loaded = loadUnchanged.call(this, request, ...rest);
  if (request !== "exegesis-express" || typeof loaded.middleware !== "function") {
    return loaded;
  }
  const middleware = (specification, options) =>
    loaded.middleware(specification, { ...options, lazyCompileValidationSchemas: true });
  return { ...loaded, middleware };
};
