import { Alert, Button, Center, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconInbox, IconLock, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { ApiError } from "../api/problem";
import type { StreamState } from "../api/useEventStream";
import { useCommonTexts } from "../texts/common";
import { useRoleTitle } from "./roles";
import { formatTime } from "./Timestamp";

interface Place {
  /** Whether nothing else is on the page, so that its title is that of the page. */
  wholePage?: boolean;
}

/** Show that something is being loaded. */
export function LoadingState() {
  const t = useCommonTexts();
  return (
    <Center mih={160} role="status">
      <Group gap="sm">
        <Loader size="sm" />
        <Text c="dimmed">{t("loading")}</Text>
      </Group>
    </Center>
  );
}

/** Show that there is nothing to show, why, and what to do about it. */
export function EmptyState({
  title,
  children,
  wholePage = false,
}: { title: string; children: ReactNode } & Place) {
  const icon = <IconInbox size={32} stroke={1.5} aria-hidden />;
  return <CentredState icon={icon} title={title} help={children} wholePage={wholePage} />;
}

/** Show that the user may not see a page, and for whom it is. */
export function ForbiddenState({ roles, wholePage = false }: { roles: readonly string[] } & Place) {
  const t = useCommonTexts();
  const roleTitle = useRoleTitle();
  return (
    <CentredState
      icon={<IconLock size={32} stroke={1.5} aria-hidden />}
      title={t("forbidden")}
      help={t("forbiddenHelp", { roles: roles.map(roleTitle).join(", ") })}
      wholePage={wholePage}
    />
  );
}

/** Show why something could not be loaded or done, in the words of the gateway. */
export function ErrorState({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const t = useCommonTexts();
  const away = error instanceof ApiError && error.status === 0;
  const problem = error instanceof ApiError && !away ? error.document : null;
  return (
    <Alert
      role="alert"
      color={away ? "yellow" : "red"}
      icon={away ? <IconPlugConnectedX aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={problem?.title ?? t("failed")}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{away ? t("away") : error.message}</Text>
        {problem?.instance && (
          <Text size="xs" ff="monospace" c="dimmed">
            {problem.instance}
          </Text>
        )}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t("retry")}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Show since when the figures of a live page are out of date; nothing while they are not, nor before the stream was tried. */
export function OutOfDateNotice({ stream }: { stream: StreamState }) {
  const t = useCommonTexts();
  if (stream.live || !stream.tried) return null;
  return (
    <Alert role="status" color="yellow" icon={<IconPlugConnectedX aria-hidden />}>
      {t("outOfDate", { time: formatTime(stream.since) })}
    </Alert>
  );
}

/** Show that the bus does not answer, and since when. */
export function AwayNotice({ since }: { since: Date }) {
  const t = useCommonTexts();
  return (
    <Alert
      role="status"
      color="yellow"
      mb="md"
      icon={<IconPlugConnectedX aria-hidden />}
      className="no-print"
    >
      {t("awaySince", { time: formatTime(since) })}
    </Alert>
  );
}

function CentredState({
  icon,
  title,
  help,
  wholePage,
}: {
  icon: ReactNode;
  title: string;
  help?: ReactNode;
} & Required<Place>) {
  return (
    <Center mih={240}>
      <Stack align="center" gap="xs" maw={480} ta="center">
        {icon}
        <Title order={wholePage ? 1 : 2}>{title}</Title>
        {help && (
          <Text c="dimmed" component="div">
            {help}
          </Text>
        )}
      </Stack>
    </Center>
  );
}
