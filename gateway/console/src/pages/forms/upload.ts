import { problemOf } from "../../api/problem";
import { currentLanguage } from "../../texts/createTexts";

/** Uploads a file by tus 1.0, in parts, so that a lost connection costs one part. */

const PART_BYTES = 4 * 1024 * 1024;
const ATTEMPTS = 5;
const TUS = { "Tus-Resumable": "1.0.0" };

/**
 * Upload a file.
 *
 * @param onProgress is told the share that is there, from 0 to 1.
 * @returns the reference of the file, as contracts have it: `/files/…`.
 * @throws ApiError where the gateway refuses it.
 */
export async function upload(
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const created = await send("POST", "/files", signal, {
    "Upload-Length": String(file.size),
    "Upload-Metadata": `filename ${base64(file.name)},filetype ${base64(file.type || "application/octet-stream")}`,
  });
  const location = created.headers.get("Location") ?? "";
  let offset = 0;
  let failures = 0;
  while (offset < file.size) {
    const part = file.slice(offset, offset + PART_BYTES);
    try {
      const headers = { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
      const response = await send("PATCH", location, signal, headers, part);
      offset = Number(response.headers.get("Upload-Offset"));
      failures = 0;
    } catch (error) {
      if (!(error instanceof TypeError) || ++failures >= ATTEMPTS) throw error; // fetch fails with a TypeError
      const known = await send("HEAD", location, signal, {});
      offset = Number(known.headers.get("Upload-Offset"));
    }
    onProgress(offset / file.size);
  }
  return location;
}

async function send(
  method: string,
  path: string,
  signal: AbortSignal,
  headers: Record<string, string>,
  body?: Blob,
): Promise<Response> {
  const own = { "Accept-Language": currentLanguage(), "X-Requested-With": "lgsp-console" };
  const response = await fetch(path, {
    method,
    headers: { ...TUS, ...own, ...headers },
    credentials: "same-origin",
    cache: "no-store",
    signal,
    body: body ?? null,
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
