import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Small parts that most pages use: one file of them, since a browser opens six connections and waits for the seventh. */
const COMMON =
  /@mantine\/core\/esm\/components\/(Card|Checkbox|InlineInput|Paper|Pill|SimpleGrid|Switch|Table)\/|\/console\/src\/(components|api)\/(formats|PageHeader|StatusBadge|Timestamp|useEventStream)\./;

/** What asks for the picture of the flows, which must not wait for any other script. */
const AHEAD = /\/console\/src\/(pages\/flows\/(ahead|filters)|api\/streamAhead)\.ts$/;

/** End a build that holds a component of Mantine whose styles `src/app/mantine.css` leaves out. */
function mantineStyles(): Plugin {
  const styles = readFileSync(new URL("src/app/mantine.css", import.meta.url), "utf-8");
  return {
    name: "mantine-styles",
    generateBundle() {
      for (const module of this.getModuleIds()) {
        const component = /@mantine\/core\/esm\/.*\/(\w+)\.module\.mjs$/.exec(module)?.[1];
        if (!component || styles.includes(`/${component}.css"`)) continue;
        if (this.getModuleInfo(module)?.isIncluded) {
          this.error(`${component} is used without its styles: add them to src/app/mantine.css`);
        }
      }
    },
  };
}

// The gateway serves what is built here under /console, and replaces the nonce in each response.
export default defineConfig({
  base: "/console/",
  plugins: [react(), mantineStyles()],
  html: { cspNonce: "CSP_NONCE" },
  build: {
    manifest: true, // names the script of each page, which the gateway lets browsers fetch at once
    rollupOptions: {
      input: ["index.html", "my-data.html", "src/pages/flows/ahead.ts"],
      output: {
        experimentalMinChunkSize: 20_000,
        onlyExplicitManualChunks: true,
        manualChunks: (id) => (AHEAD.test(id) ? "ahead" : COMMON.test(id) ? "common" : undefined),
      },
    },
    outDir: "../lgsp_gateway/console/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // fonts and pictures are files: the policy allows no data: fonts
    modulePreload: { polyfill: false },
    target: "es2022",
  },
});
