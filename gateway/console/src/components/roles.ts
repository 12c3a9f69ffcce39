import { useRoleTexts } from "../texts/roles";

/** The roles of persons; systems have all of them but the last. */
export const ROLES = ["operator", "agency-admin", "integrator", "developer", "auditor", "officer"] as const;

/** Return what a role is called in the language of the user; one that the console does not know keeps its own name. */
export function useRoleTitle(): (role: string) => string {
  const t = useRoleTexts();
  return (role) => {
    const known = ROLES.find((one) => one === role);
    return known ? t(known) : role;
  };
}
