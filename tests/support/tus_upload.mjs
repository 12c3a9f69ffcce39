// Uploads a file with the official JavaScript client of tus, is cut off once, and goes on.
import fs from "node:fs";
import * as tus from "tus-js-client";

const [url, token, path] = process.argv.slice(2);
const size = fs.statSync(path).size;
let cut = false;
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint: `${url}/files`,
  chunkSize: 8 * 1024 * 1024,
  uploadSize: size,
  retryDelays: [100, 500, 1000, 3000, 5000],
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: "bản đồ.bin", filetype: "application/octet-stream" },
  onProgress: async (sent) => {
    if (!cut && sent > size / 2) {
      cut = true;
      await upload.abort();
      const again = new tus.Upload(fs.createReadStream(path), { ...upload.options, uploadUrl: upload.url });
      again.start();
    }
  },
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => {
    console.log(upload.url);
    process.exit(0);
  },
});
upload.start();
