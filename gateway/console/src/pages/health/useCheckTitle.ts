import { useHealthTexts } from "../../texts/health";

const KNOWN = [
  "tasks",
  "registry",
  "evidence",
  "checkpoints",
  "log",
  "index",
  "clock",
  "certificates",
  "mail",
  "delivery",
  "messages",
  "dead letters",
  "subscriptions",
  "backlogs",
  "endpoints",
  "files",
  "storage",
  "citizen requests",
  "streams",
  "adapters",
  "drained adapters",
  "upstreams",
  "data",
  "data keys",
  "adapter tasks",
  "watches",
  "watches at rest",
  "set aside",
] as const;

/** Return what names a check in the language of the user; one that the console does not know keeps its own name. */
export function useCheckTitle(): (check: string) => string {
  const t = useHealthTexts();
  return (check) => {
    const known = KNOWN.find((one) => one === check);
    return known ? t(`check_${known}`) : check;
  };
}
