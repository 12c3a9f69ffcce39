import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The gateway serves what is built here under /console, and replaces the nonce in each response.
export default defineConfig({
  base: "/console/",
  plugins: [react()],
  html: { cspNonce: "CSP_NONCE" },
  build: {
    rollupOptions: { input: ["index.html", "my-data.html"] },
    outDir: "../lgsp_gateway/console/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // fonts and pictures are files: the policy allows no data: fonts
    modulePreload: { polyfill: false },
    target: "es2022",
  },
});
