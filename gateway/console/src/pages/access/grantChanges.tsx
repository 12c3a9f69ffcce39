import { Alert, Stack, Table, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { differencesOf } from "../../components/DocumentDiff";
import { usePrincipalName } from "../../components/PrincipalName";
import { formatDateTime } from "../../components/Timestamp";
import { usePurposes } from "../../components/usePurposes";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { useConditions } from "./conditions";
import { formatDay } from "./formatDay";
import type { GrantReview } from "./grantReview";
import { phaseOf, usePhaseText, WAITING } from "./phases";

/**
 * Tell whether a grant changed in more than its approvals since it was read.
 *
 * The bus judges a decision by the same rule: an approval by somebody else is no change of what was read.
 */
export function hasChanged(before: GrantReview, after: GrantReview): boolean {
  if (differencesOf(before.document.spec, after.document.spec).length > 0) return true;
  const [was, is] = [phaseOf(before.document), phaseOf(after.document)];
  return was !== is && !(WAITING.includes(was) && WAITING.includes(is));
}

/** Show in words what somebody else has changed in a grant since the user read it. */
export function GrantChanges({ before, after }: { before: GrantReview; after: GrantReview }) {
  const t = useAccessTexts();
  const rowsOf = useGrantRows();
  const { updatedAt = 0, updatedBy = "" } = after.document.metadata;
  const by = usePrincipalName(updatedBy);
  const old = new Map(rowsOf(before));
  const now = new Map(rowsOf(after));
  const changed = [...new Set([...old.keys(), ...now.keys()])].filter(
    (label) => old.get(label) !== now.get(label),
  );
  return (
    <Alert role="alert" color="yellow" icon={<IconAlertTriangle aria-hidden />} title={t("conflict")}>
      <Stack gap="sm">
        <Text size="sm">{t("conflictHelp", { by, time: formatDateTime(new Date(updatedAt)) })}</Text>
        <Table fz="sm" verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("field")}</Table.Th>
              <Table.Th>{t("before")}</Table.Th>
              <Table.Th>{t("after")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {changed.map((label) => (
              <Table.Tr key={label}>
                <Table.Th>{label}</Table.Th>
                <Table.Td>{old.get(label) ?? t("nothing")}</Table.Td>
                <Table.Td fw={600}>{now.get(label) ?? t("nothing")}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Alert>
  );
}

/** Return everything that a grant says and its state, as names and texts. */
function useGrantRows(): (review: GrantReview) => [string, string][] {
  const t = useAccessTexts();
  const language = useLanguage();
  const conditions = useConditions();
  const phaseText = usePhaseText();
  const { titleAndCode } = usePurposes();
  return ({ document, parties, shows }) => {
    const { spec } = document;
    const exchanges = { ...spec.operations, ...spec.events };
    const shown: Schemas["GrantReview"]["shows"]["operations"] = { ...shows.operations, ...shows.events };
    const fields = Object.entries(exchanges).map(([name, { fields }]) => {
      const title = shown?.[name]?.title as Partial<Record<string, string>> | null | undefined;
      const seen = fields.includes("*") ? t("allFields") : fields.join(", ");
      return [`${t("fields")}: ${title?.[language] ?? name}`, seen] as [string, string];
    });
    return [
      [t("filterState"), phaseText(phaseOf(document))],
      [t("consumer"), parties.consumer.title?.[language] ?? spec.consumer],
      [t("service"), `${parties.serviceTitle?.[language] ?? spec.service} v${spec.major}`],
      ...fields,
      [t("purposes"), spec.purposes.map(titleAndCode).join(", ")],
      [t("legalBasis"), spec.legalBasis],
      ...conditions(spec),
      [t("valid"), t("validText", { from: formatDay(spec.validFrom), until: formatDay(spec.validUntil) })],
    ];
  };
}
