import { Paper, Stack, Text, Title } from "@mantine/core";
import { useLocation, useSearchParams } from "wouter";
import { useHasRole, useSession } from "../../app/session";
import { ForbiddenState } from "../../components/PageStates";
import { useDone } from "../../components/useDone";
import { useAccessTexts } from "../../texts/access";
import { useCommonTexts } from "../../texts/common";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import { NewGrant } from "./newGrant";
import { phaseOf, usePhaseText } from "./phases";

/** The roles that may ask for a grant. */
export const REQUESTERS = ["operator", "agency-admin", "developer"] as const;

/** The page that asks for a grant; `service`, `consumer` and `for=officers` of its address say what is proposed. */
export function NewGrantPage() {
  const t = useGrantRequestTexts();
  const access = useAccessTexts();
  const common = useCommonTexts();
  const phaseText = usePhaseText();
  const done = useDone();
  const session = useSession();
  const mayAsk = useHasRole(...REQUESTERS);
  const [, navigate] = useLocation();
  const [search] = useSearchParams();
  if (!mayAsk) return <ForbiddenState roles={REQUESTERS} />;
  return (
    <Stack maw={860}>
      <Title order={2}>{t("newGrant")}</Title>
      <Text c="dimmed" size="sm">
        {t("newGrantPurpose")}
      </Text>
      <Paper withBorder p="md">
        <NewGrant
          holder={{
            kind: search.get("for") === "officers" ? "officers" : "system",
            system: search.get("consumer") ?? "",
            agency: session?.agency ?? "",
          }}
          service={search.get("service") ?? ""}
          aside={{ text: common("cancel"), act: () => navigate("/grants") }}
          onDone={(grant) => {
            const { name } = grant.metadata;
            done(access("done"), access("nowIs", { name, state: phaseText(phaseOf(grant)) }));
            navigate(`/grants/${name}`);
          }}
        />
      </Paper>
    </Stack>
  );
}
