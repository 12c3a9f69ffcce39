import { StatusBadge } from "../../components/StatusBadge";
import { useAccessTexts } from "../../texts/access";

const LOOKS = {
  requested: { text: "phaseRequested", meaning: "attention" },
  "awaiting-operator": { text: "phaseAwaitingOperator", meaning: "attention" },
  "awaiting-provider": { text: "phaseAwaitingProvider", meaning: "attention" },
  "in-force": { text: "phaseInForce", meaning: "healthy" },
  active: { text: "phaseActive", meaning: "healthy" },
  suspended: { text: "phaseSuspended", meaning: "attention" },
  denied: { text: "phaseDenied", meaning: "neutral" },
  revoked: { text: "phaseRevoked", meaning: "neutral" },
  created: { text: "phaseCreated", meaning: "neutral" },
  ended: { text: "phaseEnded", meaning: "neutral" },
} as const;

export const GRANT_PHASES = [
  "requested",
  "awaiting-operator",
  "awaiting-provider",
  "in-force",
  "suspended",
  "denied",
  "revoked",
] as const;

/** The phases in which a grant waits for approvals. */
export const WAITING: readonly string[] = ["requested", "awaiting-operator", "awaiting-provider"];

export type GrantPhase = (typeof GRANT_PHASES)[number];

/** Return what the registry says of a document. */
export function statusOf(document: { status?: object } | undefined): Record<string, unknown> {
  return { ...document?.status };
}

/** Return the phase of a grant or a person. */
export function phaseOf(document: { kind: string; status?: object }): string {
  const phase = statusOf(document).phase;
  return typeof phase === "string" ? phase : document.kind === "Grant" ? "in-force" : "created";
}

/** Return the text of a member of what the registry says; "" where it is not there. */
export function statusText(document: { status?: object }, member: string): string {
  const value = statusOf(document)[member];
  return typeof value === "string" ? value : "";
}

/** Return the words for a phase. */
export function usePhaseText(): (phase: string) => string {
  const t = useAccessTexts();
  return (phase) => (phase in LOOKS ? t(LOOKS[phase as keyof typeof LOOKS].text) : phase);
}

/** Show the phase of a grant or a person. */
export function PhaseBadge({ document }: { document: { kind: string; status?: object } }) {
  const text = usePhaseText();
  const phase = phaseOf(document);
  const look = LOOKS[phase as keyof typeof LOOKS];
  return <StatusBadge meaning={look?.meaning ?? "neutral"}>{text(phase)}</StatusBadge>;
}
