// A certified OpenID provider with clients for the tests: node provider.mjs PORT MODULES
// Client `app-1` is a system, `citizen-app` and `officer-app` hand out tokens that speak of a person.
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';
const [port, modules] = process.argv.slice(2);
const { default: Provider } = await import(createRequire(`${modules}/`).resolve('oidc-provider'));
const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const client = (client_id) => ({
  client_id, client_secret: 'secret-of-the-client', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
});
const people = { 'citizen-app': '022093001234', 'officer-app': '022080000001' };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: ['app-1', ...Object.keys(people)].map(client),
  jwks: { keys: [{ ...key, kid: `key-${process.pid}`, use: 'sig', alg: 'RS256' }] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:lgsp',
      getResourceServerInfo: () => ({ scope: '', audience: 'lgsp', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
    },
  },
  extraTokenClaims: (_, token) => (people[token.clientId] ? { so_dinh_danh: people[token.clientId], sub: 'person' } : {}),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('READY'));
