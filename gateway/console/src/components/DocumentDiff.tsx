import { Code, Table, Text } from "@mantine/core";
import { createTexts } from "../texts/createTexts";

const useTexts = createTexts("documentDiff", {
  field: { vi: "Trường", en: "Field" },
  before: { vi: "Trước", en: "Before" },
  after: { vi: "Sau", en: "After" },
  none: { vi: "không có", en: "none" },
  noDifference: { vi: "Nội dung không khác", en: "The content does not differ" },
});

/** Show field by field how two documents differ, side by side. */
export function DocumentDiff({ before, after }: { before: unknown; after: unknown }) {
  const t = useTexts();
  const differences = differencesOf(before, after);
  if (differences.length === 0) return <Text c="dimmed">{t("noDifference")}</Text>;
  return (
    <Table.ScrollContainer minWidth={320}>
      <Table fz="sm" verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("field")}</Table.Th>
            <Table.Th>{t("before")}</Table.Th>
            <Table.Th>{t("after")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {differences.map(([pointer, old, now]) => (
            <Table.Tr key={pointer}>
              <Table.Td ff="monospace">{pointer}</Table.Td>
              <Table.Td>
                <Value value={old} none={t("none")} />
              </Table.Td>
              <Table.Td fw={600}>
                <Value value={now} none={t("none")} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Value({ value, none }: { value: string | undefined; none: string }) {
  if (value === undefined)
    return (
      <Text span c="dimmed" fs="italic" size="sm">
        {none}
      </Text>
    );
  return <Code style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{value}</Code>;
}

/** Return JSON pointer, old and new value of each field that differs, in the order of the pointers. */
export function differencesOf(
  before: unknown,
  after: unknown,
): [string, string | undefined, string | undefined][] {
  const old = leavesOf(before);
  const now = leavesOf(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((pointer) => old.get(pointer) !== now.get(pointer))
    .map((pointer) => [pointer, old.get(pointer), now.get(pointer)]);
}

/** Return the fields of a document that hold no other fields, each as text, by JSON pointer. */
export function leavesOf(value: unknown, at = ""): Map<string, string> {
  if (value === undefined || value === null) return new Map();
  if (typeof value !== "object") return new Map([[at, String(value)]]);
  const members = Array.isArray(value)
    ? value.map((one, index) => [String(index), one])
    : Object.entries(value);
  if (members.length === 0) return new Map([[at, Array.isArray(value) ? "[]" : "{}"]]);
  return new Map(members.flatMap(([key, one]) => [...leavesOf(one, `${at}/${key}`)]));
}
