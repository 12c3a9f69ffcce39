import { Checkbox, Fieldset, ScrollArea, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../../api/client";
import { ErrorState } from "../../components/PageStates";
import { isObject } from "../../contracts/isObject";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { type Field, fieldsOf } from "./contractFields";
import { EVERYTHING, type Fields } from "./grantRequest";

/** Ask which operations of a service a grant opens, or which of its events, and which fields of each it shows. Nothing where it has none. */
export function OperationChoice({
  kind,
  service,
  chosen,
  errorOf,
  onChange,
}: {
  kind: "operations" | "events";
  service: string;
  chosen: Fields;
  /** Return what is wrong with an operation; with the choice as a whole for "". */
  errorOf: (operation: string) => string | undefined;
  onChange: (chosen: Fields) => void;
}) {
  const t = useAccessTexts();
  const language = useLanguage();
  const contract = useQuery({ queryKey: ["contract", service], queryFn: () => readContract(service) });
  if (contract.error) return <ErrorState error={contract.error} onRetry={contract.refetch} />;
  const operations = isObject(contract.data?.[kind]) ? Object.entries(contract.data[kind]) : [];
  const error = errorOf("");
  if (operations.length === 0 && !error) return null;
  return (
    <Fieldset legend={t(kind)}>
      <Stack>
        {error && (
          <Text c="red" size="sm" role="alert">
            {error}
          </Text>
        )}
        {operations.map(([name, operation], index) => {
          const title = isObject(operation) && isObject(operation.title) ? operation.title[language] : name;
          const fields = isObject(operation)
            ? fieldsOf(contract.data, kind === "events" ? operation.data : operation.response, language)
            : [];
          return (
            <Stack key={name} gap="xs">
              <Checkbox
                label={`${title} (${name})`}
                aria-invalid={Boolean(error) && index === 0}
                checked={name in chosen}
                onChange={(event) => {
                  const { [name]: _, ...rest } = chosen;
                  onChange(event.currentTarget.checked ? { ...rest, [name]: [] } : rest);
                }}
              />
              {chosen[name] && (
                <FieldChoice
                  kind={kind}
                  fields={fields}
                  chosen={chosen[name]}
                  error={errorOf(name)}
                  onChange={(shown) => onChange({ ...chosen, [name]: shown })}
                />
              )}
            </Stack>
          );
        })}
      </Stack>
    </Fieldset>
  );
}

function FieldChoice({
  kind,
  fields,
  chosen,
  error,
  onChange,
}: {
  kind: "operations" | "events";
  fields: Field[];
  chosen: readonly string[];
  error: string | undefined;
  onChange: (chosen: string[]) => void;
}) {
  const t = useAccessTexts();
  return (
    <Checkbox.Group
      label={t(kind === "events" ? "fieldsOfEvent" : "fields")}
      description={t("fieldsHelp")}
      error={error}
      pl="xl"
      value={[...chosen]}
      onChange={onChange}
    >
      <ScrollArea.Autosize mah={260} mt="xs" type="auto" viewportProps={{ tabIndex: 0 }}>
        <Stack gap={6}>
          <Checkbox value={EVERYTHING} label={t("allFields")} aria-invalid={Boolean(error)} />
          {!chosen.includes(EVERYTHING) &&
            fields.map(({ pointer, title }) => (
              <Checkbox
                key={pointer}
                value={pointer}
                label={
                  <>
                    {title}{" "}
                    <Text span ff="monospace" fz="xs" c="dimmed">
                      {pointer}
                    </Text>
                  </>
                }
              />
            ))}
        </Stack>
      </ScrollArea.Autosize>
    </Checkbox.Group>
  );
}

async function readContract(service: string): Promise<Record<string, unknown>> {
  const [name = "", major = "1"] = service.split("/");
  const path = { service: name, major: Number(major) };
  return {
    ...(await dataOf(api.GET("/catalog/services/{service}/v{major}/contract.json", { params: { path } }))),
  };
}
