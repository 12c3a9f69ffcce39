import { Checkbox, Radio, Select, Stack, TagsInput, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { allPages } from "../../api/allPages";
import { api, dataOf } from "../../api/client";
import { useHasRole, useSession } from "../../app/session";
import { formSystemName, useAgencies } from "../../components/useTitles";
import { useLanguage } from "../../texts/createTexts";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import type { Holder } from "./grantRequest";
import { QuotaInput } from "./quotaInput";

interface Props {
  holder: Holder;
  referenceRequired: boolean;
  errorOf: (pointer: string) => string | undefined;
  onChange: (holder: Holder) => void;
  onReference: (required: boolean) => void;
}

/** Ask who is to hold a grant: a system of the agency, or its officers, who need no system. */
export function HolderChoice(props: Props) {
  const t = useGrantRequestTexts();
  const { holder, onChange } = props;
  return (
    <Stack>
      <Radio.Group
        label={t("holder")}
        value={holder.kind}
        onChange={(value) => onChange({ ...holder, kind: value === "officers" ? "officers" : "system" })}
      >
        <Stack gap="xs" mt="xs">
          <Radio value="system" label={t("holderSystem")} description={t("holderSystemHelp")} />
          <Radio value="officers" label={t("holderOfficers")} description={t("holderOfficersHelp")} />
        </Stack>
      </Radio.Group>
      {holder.kind === "system" ? <SystemChoice {...props} /> : <OfficerChoice {...props} />}
    </Stack>
  );
}

function SystemChoice({ holder, errorOf, onChange }: Props) {
  const t = useGrantRequestTexts();
  const language = useLanguage();
  const session = useSession();
  const asksForAll = useHasRole("operator");
  const agency = asksForAll ? "" : (session?.agency ?? "");
  const systems = useQuery({
    queryKey: ["systems", "to choose", agency],
    queryFn: () =>
      allPages((cursor) =>
        dataOf(
          api.GET("/registry/systems", {
            params: { query: { limit: 1000, ...(agency && { agency }), ...(cursor && { cursor }) } },
          }),
        ),
      ),
  });
  return (
    <Select
      label={t("system")}
      description={systems.data?.length === 0 ? t("noSystem") : undefined}
      required
      searchable
      openOnFocus={false}
      value={holder.system || null}
      error={errorOf("/spec/consumer")}
      data={
        systems.data?.map(({ metadata, spec }) => ({
          value: metadata.name,
          label: `${spec.title[language]} (${metadata.name})`,
        })) ?? []
      }
      onChange={(value) => onChange({ ...holder, system: value ?? "" })}
    />
  );
}

function OfficerChoice({ holder, referenceRequired, errorOf, onChange, onReference }: Props) {
  const t = useGrantRequestTexts();
  const language = useLanguage();
  const asksForAll = useHasRole("operator");
  const agencies = useAgencies();
  const positions = useKnownPositions(holder.agency);
  return (
    <Stack>
      <Select
        label={t("officersAgency")}
        description={
          holder.agency ? t("formSystemIs", { name: formSystemName(holder.agency) }) : t("formSystemHelp")
        }
        required
        searchable
        openOnFocus={false}
        disabled={!asksForAll}
        value={holder.agency || null}
        error={errorOf("/spec/consumer")}
        data={
          agencies.data?.map(({ metadata, spec }) => ({
            value: metadata.name,
            label: `${spec.title[language]} (${metadata.name})`,
          })) ?? []
        }
        onChange={(value) => onChange({ ...holder, agency: value ?? "", positions: [] })}
      />
      <TagsInput
        label={t("positions")}
        description={t("positionsHelp")}
        value={[...holder.positions]}
        error={errorOf("/spec/officers/positions")}
        data={positions}
        splitChars={[",", " "]}
        acceptValueOnBlur
        onChange={(chosen) => onChange({ ...holder, positions: chosen })}
      />
      {holder.positions.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("allOfficersOf")}
        </Text>
      )}
      <QuotaInput
        label={t("quotaEach")}
        requests={holder.requests}
        per={holder.per}
        error={errorOf("/spec/officers/quota")}
        onChange={(quota) => onChange({ ...holder, ...quota })}
      />
      <Checkbox
        label={t("referenceRequired")}
        description={t("referenceRequiredHelp")}
        checked={referenceRequired}
        onChange={(event) => onReference(event.currentTarget.checked)}
      />
    </Stack>
  );
}

/** Return the positions that people of an agency have, as far as the user may read who they are. */
function useKnownPositions(agency: string): string[] {
  const readsPersons = useHasRole("operator", "agency-admin", "auditor");
  const persons = useQuery({
    queryKey: ["persons", "positions", agency],
    queryFn: () => dataOf(api.GET("/registry/persons", { params: { query: { agency, limit: 1000 } } })),
    enabled: readsPersons && agency !== "",
    retry: false,
  });
  const all = persons.data?.items.flatMap((person) => person.spec.positions ?? []) ?? [];
  return [...new Set(all)].sort();
}
