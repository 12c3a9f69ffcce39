import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Small parts that most pages use: one file of them, since a browser opens six connections and waits for the seventh. */
const COMMON =
  /@mantine\/core\/esm\/components\/(Card|Checkbox|InlineInput|Paper|Pill|SimpleGrid|Switch|Table)\/|\/console\/src\/(components|api)\/(formats|PageHeader|StatusBadge|Timestamp|useEventStream)\./;

// The gateway serves what is built here under /console, and replaces the nonce in each response.
export default defineConfig({
  base: "/console/",
  plugins: [react()],
  html: { cspNonce: "CSP_NONCE" },
  build: {
    manifest: true, // names the script of each page, which the gateway lets browsers fetch at once
    rollupOptions: {
      input: ["index.html", "my-data.html"],
      output: {
        experimentalMinChunkSize: 20_000,
        onlyExplicitManualChunks: true,
        manualChunks: (id) => (COMMON.test(id) ? "common" : undefined),
      },
    },
    outDir: "../lgsp_gateway/console/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // fonts and pictures are files: the policy allows no data: fonts
    modulePreload: { polyfill: false },
    target: "es2022",
  },
});
