import { Anchor, Code, Group, Stack, Tabs, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import type { Schemas } from "../../api/client";
import { CopyableCode } from "../../components/CopyableCode";
import { useAccessTexts } from "../../texts/access";
import { phaseOf, usePhaseText } from "./phases";

/** Show how a system takes its first token with its key. */
export function FirstToken({
  system,
  kid,
  grant,
}: {
  system: string;
  kid: string;
  grant: Schemas["Grant"] | undefined;
}) {
  const t = useAccessTexts();
  const phaseText = usePhaseText();
  const origin = location.origin;
  return (
    <Stack>
      {grant && (
        <Text role="status">
          {t("grantSent", { name: grant.metadata.name, state: phaseText(phaseOf(grant)) })}
        </Text>
      )}
      <Title order={3}>{t("firstToken")}</Title>
      <Text size="sm">{t("firstTokenHelp")}</Text>
      <CopyableCode
        value={`lgsp token ${system} --key ${system}.jwk.json --url ${origin}`}
        label="lgsp token"
      />
      <Tabs defaultValue="python">
        <Tabs.List>
          <Tabs.Tab value="python">Python</Tabs.Tab>
          <Tabs.Tab value="node">Node.js</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="python" pt="xs">
          <Code block tabIndex={0}>
            {python(origin, system)}
          </Code>
        </Tabs.Panel>
        <Tabs.Panel value="node" pt="xs">
          <Code block tabIndex={0}>
            {node(origin, system, kid)}
          </Code>
        </Tabs.Panel>
      </Tabs>
      <Group>
        {grant && (
          <Anchor component={Link} href={`/grants/${grant.metadata.name}`}>
            {t("openGrant")}
          </Anchor>
        )}
        <Anchor component={Link} href={`/systems/${system}`}>
          {t("openSystem")}
        </Anchor>
      </Group>
    </Stack>
  );
}

function python(origin: string, system: string): string {
  return `# pip install pyjwt[crypto] requests
import json, time, uuid, jwt, requests

url = "${origin}/oauth2/token"
key = json.load(open("${system}.jwk.json"))
claims = {"iss": "${system}", "sub": "${system}", "aud": url, "exp": time.time() + 60, "jti": str(uuid.uuid4())}
assertion = jwt.encode(claims, jwt.PyJWK(key).key, "ES256", {"kid": key["kid"]})
form = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": assertion,
}
print(requests.post(url, data=form).json()["access_token"])`;
}

function node(origin: string, system: string, kid: string): string {
  return `// npm install jose
import { readFile } from "node:fs/promises";
import { importJWK, SignJWT } from "jose";

const url = "${origin}/oauth2/token";
const key = await importJWK(JSON.parse(await readFile("${system}.jwk.json", "utf8")), "ES256");
const assertion = await new SignJWT({ jti: crypto.randomUUID() })
  .setProtectedHeader({ alg: "ES256", kid: "${kid}" })
  .setIssuer("${system}").setSubject("${system}").setAudience(url).setExpirationTime("60s")
  .sign(key);
const form = new URLSearchParams({
  grant_type: "client_credentials",
  client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  client_assertion: assertion,
});
console.log((await (await fetch(url, { method: "POST", body: form })).json()).access_token);`;
}
