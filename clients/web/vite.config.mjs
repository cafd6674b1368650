// What `vite build` does beyond its defaults: no inlined files, which the page's own
// Content-Security-Policy would refuse, and paths that work in any folder of a host.
export default {
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
};
