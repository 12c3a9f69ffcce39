import { createTexts } from "./createTexts";

/** The texts of the field that finds a message from any page; apart from those of the page Messages, which are loaded with it. */
export const useFindMessageTexts = createTexts("findMessage", {
  quick: { vi: "Tìm thông điệp theo mã", en: "Find a message by its id" },
  quickHint: { vi: "Mã thông điệp hoặc mã truy vết", en: "Message id or trace id" },
  quickWrong: {
    vi: "Đây không phải mã thông điệp (UUID) hay mã truy vết (32 ký tự hex).",
    en: "This is neither a message id (UUID) nor a trace id (32 hex digits).",
  },
});
