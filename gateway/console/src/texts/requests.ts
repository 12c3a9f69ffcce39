import { createTexts } from "./createTexts";

/** The texts of the page Requests of citizens. */
export const useRequestsTexts = createTexts("requests", {
  title: { vi: "Yêu cầu của công dân", en: "Requests of citizens" },
  purpose: {
    vi: "Công dân hỏi hoặc phản đối một lần cơ quan bạn xem thông tin của họ. Hãy trả lời trước hạn.",
    en: "Citizens ask about, or object to, a read of their data by your agency. Answer before the deadline.",
  },
  none: { vi: "Chưa có yêu cầu nào", en: "There are no requests" },
  noneHelp: {
    vi: "Khi công dân gửi yêu cầu về một lần xem của cơ quan bạn, yêu cầu sẽ hiện ở đây.",
    en: "When a citizen sends a request about a read by your agency, it appears here.",
  },
  number: { vi: "Số yêu cầu", en: "Number" },
  kind: { vi: "Loại", en: "Kind" },
  object: { vi: "Phản đối", en: "Objection" },
  ask: { vi: "Câu hỏi", en: "Question" },
  deadline: { vi: "Hạn trả lời", en: "Deadline" },
  service: { vi: "Dịch vụ dữ liệu", en: "Data service" },
  agency: { vi: "Cơ quan", en: "Agency" },
  received: { vi: "Tiếp nhận", en: "Received" },
  daysLeft: {
    vi: "Trả lời đến hết {{due}} (còn {{count}} ngày)",
    en: "Answer by {{due}} (days left: {{count}})",
  },
  today: { vi: "Hết hạn hôm nay, {{due}}", en: "Due today, {{due}}" },
  overdue: {
    vi: "Quá hạn {{count}} ngày (hạn {{due}})",
    en: "Days overdue: {{count}} (due {{due}})",
  },
  firstReplyBy: { vi: "Phản hồi lần đầu đến hết {{due}}", en: "First reply by {{due}}" },
  firstReplyOverdue: { vi: "Quá hạn phản hồi lần đầu ({{due}})", en: "First reply overdue ({{due}})" },
  firstReplyOf: { vi: "Phản hồi lần đầu của {{by}}", en: "First reply by {{by}}" },
  yourFirstReply: { vi: "Phản hồi lần đầu", en: "First reply" },
  firstReplyHelp: {
    vi: "Báo cho công dân trong hai ngày làm việc rằng cơ quan đã tiếp nhận và sẽ xử lý thế nào (Nghị định 356/2025/NĐ-CP). Nếu trả lời được ngay, hãy gửi luôn câu trả lời bên dưới.",
    en: "Tell the citizen within two working days that the request was received and how it is dealt with (Decree 356/2025/NĐ-CP). If you can answer now, send the answer below instead.",
  },
  sendFirstReply: { vi: "Gửi phản hồi", en: "Send the first reply" },
  confirmFirstReplyTitle: { vi: "Gửi phản hồi cho công dân?", en: "Send this reply to the citizen?" },
  confirmFirstReply: {
    vi: "Công dân đọc được ngay. Hạn trả lời vẫn tính.",
    en: "The citizen can read it at once. The deadline of the answer still counts.",
  },
  answered: { vi: "Đã trả lời", en: "Answered" },
  damagedTitle: {
    vi: "Không đọc được {{count}} yêu cầu",
    en: "Requests that cannot be read: {{count}}",
  },
  damagedHelp: {
    vi: "Dữ liệu đã lưu bị hỏng hoặc thiếu khóa giải mã. Hãy báo người vận hành trục kèm số yêu cầu; hạn trả lời vẫn tính.",
    en: "What was stored is damaged, or its key is missing. Tell the operators of the bus, with the number; the deadline still counts.",
  },
  more: {
    vi: "Còn yêu cầu cũ hơn đã trả lời không hiện ở đây.",
    en: "Older answered requests are not shown here.",
  },
  back: { vi: "Tất cả yêu cầu", en: "All requests" },
  numbered: { vi: "Yêu cầu số {{number}}", en: "Request {{number}}" },
  words: { vi: "Công dân viết", en: "The citizen wrote" },
  read: { vi: "Lần xem được nói đến", en: "The read that it is about" },
  time: { vi: "Thời điểm", en: "Time" },
  system: { vi: "Hệ thống", en: "System" },
  purposeOfRead: { vi: "Mục đích", en: "Purpose" },
  dossier: { vi: "Mã hồ sơ", en: "Dossier" },
  basis: { vi: "Căn cứ pháp lý", en: "Legal basis" },
  message: { vi: "Thông điệp", en: "Message" },
  opened: {
    vi: "Việc bạn mở yêu cầu này đã được ghi nhật ký.",
    en: "That you opened this request has been logged.",
  },
  yourAnswer: { vi: "Câu trả lời", en: "Your answer" },
  answerHelp: {
    vi: "Công dân đọc đúng những gì bạn viết. Không sửa được sau khi gửi.",
    en: "The citizen reads what you write, as you write it. It cannot be changed once sent.",
  },
  send: { vi: "Gửi câu trả lời", en: "Send the answer" },
  confirmTitle: { vi: "Gửi câu trả lời cho công dân?", en: "Send this answer to the citizen?" },
  confirm: {
    vi: "Công dân sẽ đọc được ngay. Mỗi yêu cầu chỉ trả lời một lần và không sửa được.",
    en: "The citizen can read it at once. A request is answered once, and the answer cannot be changed.",
  },
  answerBy: { vi: "{{by}} trả lời", en: "Answered by {{by}}" },
  auditorOnly: {
    vi: "Chỉ quản trị viên của cơ quan đã xem mới trả lời được.",
    en: "Only an administrator of the agency that read can answer.",
  },
});
