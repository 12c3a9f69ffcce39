import { Button, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { fieldErrors } from "../../api/fieldErrors";
import { ApiError } from "../../api/problem";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useDone } from "../../components/useDone";
import type { JsonSchema } from "../../contracts/schema";
import { useDocumentTexts } from "../../texts/documents";
import { useFormTexts } from "../../texts/forms";
import { ErrorList, focusFirst } from "../forms/ErrorList";
import { controlId, Members } from "../forms/Field";
import { type Entered, emptyEntry, fromDocument, toDocument } from "../forms/wire";
import { Conflict } from "./conflict";
import { useDocumentSchema } from "./documentSchema";
import { phaseOf, usePhaseText } from "./phases";
import {
  type EditedKind,
  mergeChanges,
  newPersonId,
  type RegistryDocument,
  readDocument,
  type Spec,
  writeDocument,
} from "./registryDocuments";

const SPEC = "/spec";
const NAME = "/metadata/name";
const FIELDS = "document-fields";
const ERRORS = "document-errors";

/** What was wrong with each field; a name that is taken concerns the name. */
function refusalsOf(error: Error | null): ReadonlyMap<string, string> {
  if (error instanceof ApiError && error.code === "already-exists") return new Map([[NAME, error.message]]);
  return fieldErrors(error);
}

interface Props {
  kind: EditedKind;
  /** Of the document to edit; undefined to create one. */
  name?: string;
}

/** A form that creates or edits a registry document, made from its schema. */
export function DocumentForm({ kind, name }: Props) {
  const { data, error } = useQuery({
    queryKey: ["edited", kind, name],
    queryFn: () => readDocument(kind, name ?? ""),
    enabled: name !== undefined,
    staleTime: Number.POSITIVE_INFINITY, // what is being edited does not change under the hand
    gcTime: 0,
  });
  const { schema, error: schemaError } = useDocumentSchema(kind, data?.spec);
  const failure = schemaError ?? error;
  if (failure) return <ErrorState error={failure} />;
  if (!schema || (name !== undefined && !data)) return <LoadingState />;
  return <EditedDocument kind={kind} schema={schema} {...(data ? { read: data } : {})} />;
}

function EditedDocument({
  kind,
  schema,
  read,
}: {
  kind: EditedKind;
  schema: JsonSchema;
  read?: RegistryDocument;
}) {
  const t = useDocumentTexts();
  const form = useFormTexts();
  const done = useDone();
  const phaseText = usePhaseText();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [base, setBase] = useState(read);
  const [name, setName] = useState(() => read?.metadata.name ?? (kind === "persons" ? newPersonId() : ""));
  const [entered, setEntered] = useState<Entered>(() =>
    read ? fromDocument(schema, schema, read.spec) : emptyEntry(schema, schema),
  );
  const [reason, setReason] = useState("");
  const [faults, setFaults] = useState<ReadonlyMap<string, string>>(new Map());
  const [newer, setNewer] = useState<RegistryDocument>();
  const list = kind === "persons" || kind === "systems" ? `/${kind}/${name}` : `/${kind}`;
  const save = useMutation({
    mutationFn: (spec: Spec) => writeDocument(kind, name, spec, base?.metadata.revision, reason.trim()),
    onSuccess: (after) => {
      const state = kind === "persons" ? t("nowIs", { state: phaseText(phaseOf(after)) }) : "";
      done(t("saved", { name }), state);
      void queries.invalidateQueries();
      navigate(list);
    },
    onError: async (error) => {
      if (error instanceof ApiError && error.status === 412) setNewer(await readDocument(kind, name));
    },
  });
  const refused = useMemo(() => refusalsOf(save.error), [save.error]);
  const errors = faults.size > 0 ? faults : refused;
  const isConflict = save.error instanceof ApiError && save.error.status === 412;
  const refusal = refused.size > 0 || isConflict ? null : save.error;

  useEffect(() => {
    document.querySelector<HTMLElement>(`#${FIELDS} :is(input, select, textarea)`)?.focus();
  }, []);
  useEffect(() => {
    if (errors.size > 0 || refusal || newer) focusFirst(errors.keys(), ERRORS);
  }, [errors, refusal, newer]);

  function specOf(): { spec: Spec; found: ReadonlyMap<string, string> } {
    const { document, faults: unsendable } = toDocument(schema, entered);
    const found = new Map([...unsendable].map(([at, fault]) => [`${SPEC}${at}`, form(`fault.${fault}`)]));
    const properties = Object.keys(schema.properties as object);
    const kept = Object.entries(base?.spec ?? {}).filter(([member]) => !properties.includes(member));
    return { spec: { ...Object.fromEntries(kept), ...(document as Spec) }, found };
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    const { spec, found } = specOf();
    const all = new Map(name ? [] : [[NAME, form("fault.required")]]);
    for (const [at, message] of found) all.set(at, message);
    setFaults(all);
    save.reset();
    if (all.size === 0) save.mutate(spec);
  }

  function goOnWith(after: RegistryDocument) {
    const merged = mergeChanges(base?.spec ?? {}, specOf().spec, after.spec);
    setEntered(fromDocument(schema, schema, merged));
    setBase(after);
    setNewer(undefined);
    save.reset();
  }

  return (
    <form onSubmit={submit} noValidate autoComplete="off">
      <Stack gap="md" maw={640}>
        <Title order={2}>{read || kind === "systems" ? t(`edit.${kind}`, { name }) : t(`new.${kind}`)}</Title>
        {(kind === "persons" || kind === "systems") && (
          <Text size="sm" c="dimmed">
            {t(`eyes.${kind}`)}
          </Text>
        )}
        <div id={ERRORS} tabIndex={-1}>
          {errors.size > 0 && <ErrorList errors={errors} />}
          {refusal && <ErrorState error={refusal} />}
          {newer && base && <Conflict before={base} after={newer} onRead={() => goOnWith(newer)} />}
        </div>
        <Stack gap="md" id={FIELDS}>
          {!read && (kind === "agencies" || kind === "purposes") && (
            <TextInput
              id={controlId(NAME)}
              label={t(`name.${kind}`)}
              description={t(`nameHelp.${kind}`)}
              aria-required
              spellCheck={false}
              value={name}
              error={errors.get(NAME)}
              onChange={(event) => setName(event.currentTarget.value.trim())}
            />
          )}
          <Members
            schema={schema}
            root={schema}
            pointer={SPEC}
            value={entered}
            errors={errors}
            onChange={setEntered}
          />
          <TextInput
            label={t("reason")}
            description={t("reasonHelp")}
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </Stack>
        <Group justify="flex-end">
          <Button component={Link} href={read ? list : `/${kind}`} variant="default">
            {t("cancel")}
          </Button>
          <Button type="submit" loading={save.isPending} disabled={newer !== undefined}>
            {t("save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
