/** The device made or showed no passkey: it was cancelled, took too long, or has none. */
export class NoPasskeyError extends Error {
  override readonly name = "NoPasskeyError";
}

/** Tell whether this browser can use passkeys here: they are for a name, not for an IP address. */
export function passkeysWork(): boolean {
  const isAddress = /^[\d.]+$|:/.test(location.hostname);
  return "PublicKeyCredential" in window && !isAddress;
}

/** Have the device show a passkey; return it as the gateway reads it. */
export async function showPasskey(options: object): Promise<Record<string, unknown>> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  );
  return asJson(await navigator.credentials.get({ publicKey }).catch(refuse));
}

/** Have the device make a passkey; return it as the gateway reads it. */
export async function makePasskey(options: object): Promise<Record<string, unknown>> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  );
  return asJson(await navigator.credentials.create({ publicKey }).catch(refuse));
}

function refuse(cause: unknown): never {
  throw new NoPasskeyError("no passkey", { cause });
}

function asJson(credential: Credential | null): Record<string, unknown> {
  if (!(credential instanceof PublicKeyCredential)) throw new NoPasskeyError("no passkey");
  return { ...credential.toJSON() };
}
