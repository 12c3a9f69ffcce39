import { Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { TitleAndCode } from "../../components/TitleAndCode";
import { useLanguage } from "../../texts/createTexts";

/** Show a system that a grant concerns, and its agency. */
export function Party({ party }: { party: Schemas["GrantParties"]["consumer"] }) {
  const language = useLanguage();
  const agency = party.agencyTitle?.[language] ?? party.agency;
  return (
    <>
      <TitleAndCode title={party.title?.[language]} code={party.name} />
      {agency && (
        <Text size="xs" c="dimmed">
          {agency}
        </Text>
      )}
    </>
  );
}
