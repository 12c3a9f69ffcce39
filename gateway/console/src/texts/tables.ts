import { createTexts } from "./createTexts";

/** The texts of tables that come in pages. */
export const useTableTexts = createTexts("tables", {
  more: { vi: "Xem thêm", en: "Show more" },
});
