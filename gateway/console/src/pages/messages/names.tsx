import { Text } from "@mantine/core";
import { TitleAndCode, type TitlesByCode } from "../../components/TitleAndCode";
import { useLanguage } from "../../texts/createTexts";

/** What the API says that messages name is called. */
export interface MessageTitles {
  systems: TitlesByCode;
  agencies: TitlesByCode;
  services: TitlesByCode;
  operations: TitlesByCode;
  events: TitlesByCode;
}

/** Return the titles of two parts of a list together. */
export function joinTitles(before: MessageTitles, later: MessageTitles): MessageTitles {
  return {
    systems: { ...before.systems, ...later.systems },
    agencies: { ...before.agencies, ...later.agencies },
    services: { ...before.services, ...later.services },
    operations: { ...before.operations, ...later.operations },
    events: { ...before.events, ...later.events },
  };
}

/** Show a system and its agency in a row of a list. */
export function SystemName({
  system,
  agency = "",
  titles,
}: {
  system: string;
  agency?: string;
  titles: MessageTitles;
}) {
  const language = useLanguage();
  return (
    <TitleAndCode
      title={titles.systems[system]?.[language]}
      code={system}
      note={titles.agencies[agency]?.[language] ?? agency}
      below
    />
  );
}

/** Show which operation of which service was called, or which of its events announced, in a row of a list. */
export function ExchangeName({
  service,
  name,
  titles,
}: {
  service: string;
  name: string;
  titles: MessageTitles;
}) {
  const language = useLanguage();
  if (!service) return "–";
  const code = `${service}/${name}`;
  const title = (titles.operations[code] ?? titles.events[code])?.[language];
  return (
    <>
      {title ?? code}
      <Text size="xs" c="dimmed">
        {[titles.services[service]?.[language], title && code].filter(Boolean).join(" · ")}
      </Text>
    </>
  );
}
