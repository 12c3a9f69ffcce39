import { Flex, List, Paper, Stack, Text, Title } from "@mantine/core";
import { IconCircleCheck, IconCircleDashed } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { PrincipalName, usePrincipalName } from "../../components/PrincipalName";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import { phaseOf, WAITING } from "./phases";

type Review = Schemas["GrantReview"];
type Approval = Review["approvals"][number];
type Group = Review["approvers"][number];

/** Show whose approvals a grant needs, who has given them, who can, and how they learn of it: four eyes. */
export function Approvals({ review }: { review: Review }) {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  const waits = WAITING.includes(phaseOf(review.document));
  const installer = review.approvals.find((one) => one.as === "installer");
  const given = (group: Group) => installer ?? review.approvals.find((one) => one.as === group.as);
  const anyGiven = review.approvers.some(given);
  const groups = review.personal || !anyGiven ? review.approvers : review.approvers.filter(given);
  return (
    <Paper withBorder p="md">
      <Title order={3} mb="xs">
        {t("approvals")}
      </Title>
      {waits && (
        <Text size="sm" mb="xs">
          {own(review.personal ? "bothApprove" : "oneApproves")}
        </Text>
      )}
      <Stack gap={6} component="ul" m={0} p={0} style={{ listStyle: "none" }}>
        {groups.map((group, index) => (
          <li key={group.as}>
            {index > 0 && (
              <Text size="sm" c="dimmed" pl={28} mb={6}>
                {own(review.personal ? "and" : "or")}
              </Text>
            )}
            <ApproverGroup group={group} given={given(group)} waits={waits} />
          </li>
        ))}
      </Stack>
      {waits && (
        <Text size="sm" c="dimmed" mt="sm">
          {own("howTheyLearn")}
        </Text>
      )}
    </Paper>
  );
}

function ApproverGroup({
  group,
  given,
  waits,
}: {
  group: Group;
  given: Approval | undefined;
  waits: boolean;
}) {
  const t = useAccessTexts();
  const title = useGroupTitle(group);
  const Icon = given ? IconCircleCheck : IconCircleDashed;
  return (
    <Flex gap="xs">
      <Icon
        size={20}
        style={{ flexShrink: 0 }}
        color={`var(--mantine-color-${given ? "teal" : "yellow"}-filled)`}
        aria-hidden
      />
      <Stack gap={0}>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="sm" c="dimmed">
          {given ? <Approver approval={given} /> : t("notYet")}
        </Text>
        {!given && waits && <People group={group} />}
      </Stack>
    </Flex>
  );
}

function useGroupTitle(group: Group): string {
  const own = useGrantRequestTexts();
  const language = useLanguage();
  if (group.as === "operator") return own("anOperator");
  if (!group.agency) return own("providerSide");
  const agency = group.agencyTitle ? `${group.agencyTitle[language]} (${group.agency})` : group.agency;
  return own("administratorOf", { agency });
}

/** Name the people of a group, where the user may know them. */
function People({ group }: { group: Group }) {
  const own = useGrantRequestTexts();
  if (!group.people) return null;
  if (group.people.length === 0) return <Text size="sm">{own("nobodyCan")}</Text>;
  return (
    <>
      <Text size="sm">{own("whoCan")}</Text>
      <List size="sm">
        {group.people.map((person) => (
          <List.Item key={person}>
            <PrincipalName name={person} />
          </List.Item>
        ))}
      </List>
    </>
  );
}

function Approver({ approval }: { approval: Approval }) {
  const t = useAccessTexts();
  const by = usePrincipalName(approval.as === "installer" ? "" : approval.by);
  const absent = usePrincipalName(approval.onBehalfOf[0] ?? "");
  if (approval.as === "installer") return <>{t("installer")}</>;
  return <>{t("approvedBy", { by: absent ? t("approvedForAbsent", { by, absent }) : by })}</>;
}
