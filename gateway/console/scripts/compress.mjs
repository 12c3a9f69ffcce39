// Writes a .br and a .gz beside each built text file, so that no gateway compresses anything while it serves.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = new URL("../../lgsp_gateway/console/static/assets", import.meta.url).pathname;
for (const name of readdirSync(folder).filter((name) => /\.(js|css|svg|json)$/.test(name))) {
  const path = join(folder, name);
  const content = readFileSync(path);
  writeFileSync(
    `${path}.br`,
    brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  );
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
}
