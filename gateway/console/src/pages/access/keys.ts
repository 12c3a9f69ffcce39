import { isObject } from "../../contracts/isObject";

/** A public key as the registry keeps it. */
export interface PublicKey {
  kty: "EC" | "RSA" | "OKP";
  kid: string;
  [member: string]: unknown;
}

/** A key pair that was made in this browser. The private half stays in this object until the page is left. */
export interface KeyPair {
  publicKey: PublicKey;
  privateJwk: () => Promise<string>;
  privatePem: () => Promise<string>;
}

/** A text that is no public key; `isPrivate` where it is a private one. */
export class BadKey extends Error {
  constructor(readonly isPrivate: boolean) {
    super("no public key");
  }
}

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** The kinds of public keys that a PEM may hold, as WebCrypto names them. */
const KINDS = [
  P256,
  { name: "ECDSA", namedCurve: "P-384" },
  { name: "Ed25519" },
  { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
];

/** Make a key pair on the curve P-256, which signs as ES256. */
export async function makeKeyPair(): Promise<KeyPair> {
  const pair = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const publicKey = await withThumbprint(await crypto.subtle.exportKey("jwk", pair.publicKey));
  return {
    publicKey,
    privateJwk: async () => {
      const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
      return JSON.stringify({ kty, crv, kid: publicKey.kid, alg: "ES256", use: "sig", x, y, d }, null, 2);
    },
    privatePem: async () => pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
  };
}

/**
 * Read a public key in PEM, as a JWK or as a JWK Set with one key.
 *
 * @throws BadKey it is no public key.
 */
export async function readPublicKey(text: string): Promise<PublicKey> {
  if (/PRIVATE KEY/.test(text)) throw new BadKey(true);
  const encoded = /-----BEGIN PUBLIC KEY-----([\sA-Za-z0-9+/=]+)-----END PUBLIC KEY-----/.exec(text)?.[1];
  return encoded ? withThumbprint(await jwkOfPem(encoded)) : readJwk(text);
}

async function readJwk(text: string): Promise<PublicKey> {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new BadKey(false);
  }
  const keys = isObject(found) && Array.isArray(found.keys) ? found.keys : [found];
  const [jwk] = keys;
  if (keys.length !== 1 || !isObject(jwk) || typeof jwk.kty !== "string") throw new BadKey(false);
  if ("d" in jwk || "k" in jwk) throw new BadKey(true);
  return withThumbprint(jwk);
}

async function jwkOfPem(encoded: string): Promise<JsonWebKey> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(encoded.replace(/\s/g, "")), (one) => one.charCodeAt(0));
  } catch {
    throw new BadKey(false);
  }
  for (const kind of KINDS) {
    try {
      const key = await crypto.subtle.importKey("spki", bytes, kind, true, ["verify"]);
      return await crypto.subtle.exportKey("jwk", key);
    } catch {
      // It is a key of another kind.
    }
  }
  throw new BadKey(false);
}

/** Return the members of a JWK that the registry takes, under its own `kid` or its thumbprint (RFC 7638). */
async function withThumbprint(jwk: JsonWebKey | Record<string, unknown>): Promise<PublicKey> {
  const named = Object.entries(jwk).filter(([name]) => ["kty", "crv", "x", "y", "n", "e"].includes(name));
  const members = Object.fromEntries(named.sort(([one], [other]) => (one < other ? -1 : 1)));
  const { kty } = members;
  if (kty !== "EC" && kty !== "RSA" && kty !== "OKP") throw new BadKey(false);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(members)));
  const kid = "kid" in jwk && typeof jwk.kid === "string" && jwk.kid ? jwk.kid : base64url(digest);
  return { ...members, kty, kid };
}

function base64url(bytes: ArrayBuffer): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

function pem(label: string, bytes: ArrayBuffer): string {
  const lines = base64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Let the user save a text as a file. */
export function saveFile(name: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
