// A certified OpenID provider that people sign in with: node people.mjs PORT MODULES
// Whoever enters a name in its form is that subject; `lgsp-cli` is a public client with a loopback redirect.
import { createRequire } from 'node:module';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
const [port, modules] = process.argv.slice(2);
const { default: Provider } = await import(createRequire(`${modules}/`).resolve('oidc-provider'));
const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'lgsp-cli', application_type: 'native', token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'], redirect_uris: ['http://127.0.0.1/callback'],
  }],
  cookies: { keys: [randomBytes(16).toString('hex')] },
  jwks: { keys: [{ ...key, kid: `key-${process.pid}`, use: 'sig', alg: 'RS256' }] },
  features: { devInteractions: { enabled: true }, deviceFlow: { enabled: true } },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('READY'));
