import { createTexts } from "./createTexts";

/** What the roles of persons and systems are called. */
export const useRoleTexts = createTexts("roles", {
  operator: { vi: "Vận hành trục", en: "Operator of the bus" },
  "agency-admin": { vi: "Quản trị cơ quan", en: "Administrator of an agency" },
  integrator: { vi: "Tích hợp hệ thống", en: "Integrator" },
  developer: { vi: "Phát triển phần mềm", en: "Developer" },
  auditor: { vi: "Kiểm toán", en: "Auditor" },
  officer: { vi: "Cán bộ", en: "Officer" },
});
