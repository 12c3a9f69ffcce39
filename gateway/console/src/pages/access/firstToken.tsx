import { Anchor, Code, Group, Stack, Tabs, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, dataOf } from "../../api/client";
import { CopyableCode } from "../../components/CopyableCode";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useAccessTexts } from "../../texts/access";
import { Approvals } from "./approvals";
import { reviewOf } from "./grantReview";
import { phaseOf, usePhaseText } from "./phases";

/**
 * Show who has to approve the first grant of a system, and how the system takes its first token with its key.
 *
 * @param grant the name of the grant; "" where none was requested.
 */
export function FirstToken({ system, grant }: { system: string; grant: string }) {
  const t = useAccessTexts();
  const origin = location.origin;
  const { data } = useQuery({
    queryKey: ["system", system],
    queryFn: () => dataOf(api.GET("/registry/systems/{name}", { params: { path: { name: system } } })),
  });
  const kid = data?.spec.jwks?.at(-1)?.kid ?? "";
  return (
    <Stack>
      {grant && <RequestedGrant name={grant} />}
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
          <Anchor component={Link} href={`/grants/${grant}`}>
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

function RequestedGrant({ name }: { name: string }) {
  const t = useAccessTexts();
  const phaseText = usePhaseText();
  const { data, error, refetch } = useQuery({
    queryKey: ["grant", name],
    queryFn: () => reviewOf(name),
    refetchInterval: 15_000,
  });
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <LoadingState />;
  return (
    <>
      <Text role="status">{t("grantSent", { name, state: phaseText(phaseOf(data.document)) })}</Text>
      <Approvals review={data} />
    </>
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
