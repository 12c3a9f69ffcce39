import { Text } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { useLanguage } from "../../texts/createTexts";

/** Show what people call something, and beside it the code by which programs and registry know it. */
export function TitleAndCode({ title, code }: { title: string | undefined; code: string }) {
  if (!title) return <span>{code}</span>;
  return (
    <span>
      {title}{" "}
      <Text span inherit c="dimmed">
        ({code})
      </Text>
    </span>
  );
}

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
