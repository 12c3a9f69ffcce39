import {
  Button,
  Checkbox,
  Fieldset,
  Group,
  NativeSelect,
  Stack,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { formatDate, parseDate, parseMonth } from "../../components/dates";
import {
  child,
  choicesOf,
  eitherOf,
  helpOf,
  isJsonObject,
  isLongText,
  isRequired,
  type JsonSchema,
  type Kind,
  kindOf,
  propertiesOf,
  resolve,
  titleOf,
} from "../../contracts/schema";
import { useLanguage } from "../../texts/createTexts";
import { useFormTexts } from "../../texts/forms";
import { FileField } from "./FileField";
import { type Entered, emptyEntry } from "./wire";

interface Props {
  schema: JsonSchema;
  root: JsonSchema;
  title: string;
  pointer: string;
  required: boolean;
  value: Entered;
  errors: ReadonlyMap<string, string>;
  onChange: (value: Entered) => void;
}

/** Return the id of the control of a field, which links of the list of errors lead to. */
export function controlId(pointer: string): string {
  return `field${pointer}`;
}

/** Ask for one value of a document, whatever its schema. */
export function Field(props: Props) {
  const kind = kindOf(props.schema);
  if (kind === "object") return <ObjectField {...props} />;
  if (kind === "list") {
    const item = resolve(props.schema.items, props.root);
    return props.schema.uniqueItems === true && kindOf(item) === "choice" ? (
      <ChoicesField {...props} />
    ) : (
      <ListField {...props} />
    );
  }
  return <ValueField {...props} kind={kind} />;
}

/** Ask for the fields of an object, without a frame of their own. */
export function Members({
  schema,
  root,
  pointer,
  value,
  errors,
  onChange,
}: Omit<Props, "title" | "required">) {
  const language = useLanguage();
  const t = useFormTexts();
  const members = (isJsonObject(value) ? value : {}) as { [name: string]: Entered };
  const properties = propertiesOf(schema, root);
  const titles = new Map(properties.map(([name, property]) => [name, titleOf(property, name, language)]));
  const either = eitherOf(schema);
  return (
    <Stack gap="md">
      {either.length > 1 && (
        <Text size="sm" c="dimmed">
          {t("eitherOf", { names: either.map((name) => titles.get(name) ?? name).join(", ") })}
        </Text>
      )}
      {properties.map(([name, property]) => (
        <Field
          key={name}
          schema={property}
          root={root}
          title={titles.get(name) ?? name}
          pointer={child(pointer, name)}
          required={isRequired(schema, name)}
          value={members[name]}
          errors={errors}
          onChange={(changed) => onChange({ ...members, [name]: changed })}
        />
      ))}
    </Stack>
  );
}

function ObjectField({ title, required, ...props }: Props) {
  const t = useFormTexts();
  const { schema, root, value, pointer, errors, onChange } = props;
  if (!required && value === undefined) {
    return (
      <Group>
        <Button
          id={controlId(pointer)}
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange(emptyEntry(schema, root))}
        >
          {t("add", { name: title })}
        </Button>
      </Group>
    );
  }
  return (
    <Fieldset className="form-group" legend={title} id={controlId(pointer)} tabIndex={-1}>
      <GroupError message={errors.get(pointer)} />
      <Members {...props} />
      {!required && <RemoveButton name={title} onClick={() => onChange(undefined)} />}
    </Fieldset>
  );
}

function ListField({ schema, root, title, pointer, required, value, errors, onChange }: Props) {
  const t = useFormTexts();
  const items = Array.isArray(value) ? value : [];
  const item = resolve(schema.items, root);
  const most = typeof schema.maxItems === "number" ? schema.maxItems : Number.POSITIVE_INFINITY;
  return (
    <Fieldset
      className="form-group"
      legend={<Label title={title} required={required} />}
      id={controlId(pointer)}
      tabIndex={-1}
    >
      <GroupError message={errors.get(pointer)} />
      <Stack gap="md">
        {items.map((one, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an item is known by its place alone, in the document and in errors
          <div key={index}>
            <Field
              schema={item}
              root={root}
              title={t("item", { name: title, number: index + 1 })}
              pointer={child(pointer, index)}
              required
              value={one}
              errors={errors}
              onChange={(changed) => onChange(items.map((known, at) => (at === index ? changed : known)))}
            />
            <RemoveButton
              name={t("item", { name: title, number: index + 1 })}
              onClick={() => onChange(items.filter((_, at) => at !== index))}
            />
          </div>
        ))}
        {items.length < most && (
          <Group>
            <Button
              variant="default"
              size="xs"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => onChange([...items, emptyEntry(item, root)])}
            >
              {t("add", { name: title })}
            </Button>
          </Group>
        )}
      </Stack>
    </Fieldset>
  );
}

/** Ask which values of a fixed set a list holds. */
function ChoicesField({ schema, root, title, pointer, required, value, errors, onChange }: Props) {
  const language = useLanguage();
  const chosen = Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
  const choices = choicesOf(resolve(schema.items, root), language);
  return (
    <Checkbox.Group
      id={controlId(pointer)}
      tabIndex={-1}
      label={<Label title={title} required={required} />}
      description={helpOf(schema, title) || undefined}
      error={groupErrorOf(errors, pointer)}
      value={chosen}
      onChange={(values) =>
        onChange(choices.map((one) => String(one.value)).filter((one) => values.includes(one)))
      }
    >
      <Stack gap="xs" mt="xs">
        {choices.map((one) => (
          <Checkbox key={String(one.value)} value={String(one.value)} label={one.title} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

/** Return what is wrong with a list or with one of its items. */
function groupErrorOf(errors: ReadonlyMap<string, string>, pointer: string): string | undefined {
  return [...errors].find(([at]) => at === pointer || at.startsWith(`${pointer}/`))?.[1];
}

function ValueField({
  schema,
  title,
  pointer,
  required,
  value,
  errors,
  onChange,
  kind,
}: Props & { kind: Kind }) {
  const t = useFormTexts();
  const language = useLanguage();
  const text = typeof value === "string" ? value : "";
  const hint = { date: t("dateHint"), dateOrYear: t("dateOrYearHint"), month: t("monthHint") }[
    kind as string
  ];
  const help = [helpOf(schema, title), hint].filter(Boolean).join(" · ");
  const common = {
    id: controlId(pointer),
    label: <Label title={title} required={required} />,
    description: help || undefined,
    error: errors.get(pointer),
    "aria-required": required,
    autoComplete: "off",
    spellCheck: false,
  };
  if (kind === "file") {
    return <FileField {...common} title={title} required={required} value={text} onChange={onChange} />;
  }
  if (kind === "choice" || kind === "boolean") {
    const choices =
      kind === "boolean"
        ? [
            { value: "true", label: t("yes") },
            { value: "false", label: t("no") },
          ]
        : choicesOf(schema, language).map((one) => ({ value: String(one.value), label: one.title }));
    return (
      <NativeSelect
        {...common}
        data={[{ value: "", label: t("choose") }, ...choices]}
        value={text}
        onChange={(event) => onChange(event.currentTarget.value || undefined)}
      />
    );
  }
  if (kind === "other" || (kind === "text" && isLongText(schema))) {
    return (
      <Textarea
        {...common}
        autosize
        minRows={2}
        value={text}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <TextInput
      {...common}
      value={text}
      inputMode={INPUT_MODES[kind] ?? "text"}
      onChange={(event) => onChange(event.currentTarget.value)}
      onBlur={() => onChange(tidied(kind, text))}
    />
  );
}

const INPUT_MODES: Partial<Record<Kind, "numeric" | "decimal">> = {
  date: "numeric",
  integer: "numeric",
  number: "decimal",
};

/** Return what was typed as it is usually written, where it is understood. */
function tidied(kind: Kind, text: string): Entered {
  const date = kind === "date" || kind === "dateOrYear" ? parseDate(text) : null;
  const month = kind === "month" ? parseMonth(text) : null;
  return date || month ? formatDate(date ?? month ?? "") : text;
}

function Label({ title, required }: { title: string; required: boolean }) {
  const t = useFormTexts();
  return (
    <>
      {title}
      {!required && (
        <Text span size="sm" fw={400} c="dimmed">
          {" "}
          ({t("optional")})
        </Text>
      )}
    </>
  );
}

function GroupError({ message }: { message: string | undefined }) {
  if (!message) return null;
  return (
    <Text size="sm" c="red" mb="xs">
      {message}
    </Text>
  );
}

function RemoveButton({ name, onClick }: { name: string; onClick: () => void }) {
  const t = useFormTexts();
  return (
    <Group justify="flex-end" mt="xs">
      <Button
        variant="subtle"
        size="compact-xs"
        color="gray"
        leftSection={<IconX size={14} aria-hidden />}
        onClick={onClick}
      >
        {t("remove", { name })}
      </Button>
    </Group>
  );
}
