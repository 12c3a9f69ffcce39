import { createTexts } from "./createTexts";

/** The texts of the choice of notifications. */
export const useNotificationTexts = createTexts("notifications", {
  title: { vi: "Thông báo cho tôi", en: "Tell me" },
  purpose: {
    vi: "Trục gửi thư hoặc webhook khi có việc cần bạn. Địa chỉ chỉ dùng vào việc này và bị xóa khi bạn bỏ đi.",
    en: "The bus sends a mail or a webhook when something needs you. The addresses serve nothing else and are deleted when you remove them.",
  },
  kinds: { vi: "Báo cho tôi khi", en: "Tell me when" },
  requests: { vi: "có yêu cầu chờ tôi quyết định", en: "a request waits for my decision" },
  expiring: { vi: "quyền, khóa hoặc chứng thư sắp hết hạn", en: "a grant, a key or a certificate ends soon" },
  suspensions: { vi: "một dịch vụ sắp tạm ngừng", en: "a service is to be suspended" },
  "dead-letters": { vi: "có thông điệp không giao được", en: "dead letters wait" },
  health: { vi: "một phép kiểm tra tình trạng thất bại", en: "a health check fails" },
  "citizen-requests": {
    vi: "công dân gửi yêu cầu đến cơ quan tôi, hoặc sắp hết hạn trả lời",
    en: "a citizen sends my agency a request, or its deadline nears",
  },
  language: { vi: "Ngôn ngữ của thông báo", en: "Language of the notifications" },
  email: { vi: "Thư điện tử", en: "E-mail" },
  emailHelp: { vi: "Để trống nếu không muốn nhận thư.", en: "Leave empty for no mail." },
  noMailServer: {
    vi: "Trục này chưa có máy chủ thư (--smtp), nên chưa gửi được thư.",
    en: "This bus has no mail server (--smtp) yet and cannot send mail.",
  },
  webhook: { vi: "Webhook (URL)", en: "Webhook (URL)" },
  webhookHelp: {
    vi: "Được ký theo Standard Webhooks. Để trống nếu không dùng.",
    en: "Signed as Standard Webhooks describes. Leave empty for none.",
  },
  save: { vi: "Lưu lựa chọn", en: "Save" },
  saved: { vi: "Đã lưu", en: "Saved" },
  secret: { vi: "Khóa ký", en: "Secret" },
  secretOnce: {
    vi: "Khóa ký của webhook, chỉ hiện lần này; hãy chép vào chương trình nhận:",
    en: "The secret that signs the webhooks is shown this once; copy it into the receiving program:",
  },
  test: { vi: "Gửi thử", en: "Send a test" },
  testSent: { vi: "đã gửi", en: "sent" },
  testFailed: { vi: "không gửi được ({{fault}})", en: "not accepted ({{fault}})" },
});
