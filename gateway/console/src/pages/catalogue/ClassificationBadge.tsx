import { Badge } from "@mantine/core";
import { IconLock, IconLockOpen, IconUserShield } from "@tabler/icons-react";
import { useCatalogueTexts } from "../../texts/catalogue";

const ICONS = { open: IconLockOpen, internal: IconLock, personal: IconUserShield } as const;
type Classification = keyof typeof ICONS;

/** Show how the data of a service is classified. It is no state, so it has no colour. */
export function ClassificationBadge({ classification }: { classification: string }) {
  const t = useCatalogueTexts();
  const known: Classification = classification in ICONS ? (classification as Classification) : "personal";
  const Icon = ICONS[known];
  return (
    <Badge
      variant="default"
      tt="none"
      fw={classification === "personal" ? 700 : 500}
      leftSection={<Icon size={13} aria-hidden />}
    >
      {t(known)}
    </Badge>
  );
}
