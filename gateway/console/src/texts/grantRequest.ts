import { createTexts } from "./createTexts";

/** The texts of what asks for a grant, and of what says who approves it. */
export const useGrantRequestTexts = createTexts("grantRequest", {
  newGrant: { vi: "Yêu cầu quyền khai thác", en: "Request a grant" },
  newGrantPurpose: {
    vi: "Quyền cho phép một hệ thống, hoặc cán bộ của một cơ quan, gọi một dịch vụ. Trang của quyền cho biết ai phải phê duyệt.",
    en: "A grant lets a system, or the officers of an agency, call a service. The page of the grant says who has to approve it.",
  },
  holder: { vi: "Ai sẽ khai thác?", en: "Who is to use it?" },
  holderSystem: { vi: "Một hệ thống", en: "A system" },
  holderSystemHelp: {
    vi: "Phần mềm của cơ quan tự gọi dịch vụ bằng khóa của nó.",
    en: "A program of the agency calls the service with its own key.",
  },
  holderOfficers: { vi: "Cán bộ của cơ quan tôi", en: "The officers of my agency" },
  holderOfficersHelp: {
    vi: "Cán bộ đăng nhập và tra cứu bằng biểu mẫu; cơ quan không cần có hệ thống nào.",
    en: "Officers sign in and use forms; the agency needs no system.",
  },
  system: { vi: "Hệ thống khai thác", en: "System that calls" },
  noSystem: {
    vi: "Cơ quan của bạn chưa có hệ thống nào. Hãy đăng ký một hệ thống, hoặc chọn cán bộ của cơ quan.",
    en: "Your agency has no system yet. Register one, or choose the officers of the agency.",
  },
  officersAgency: { vi: "Cơ quan của cán bộ", en: "Agency of the officers" },
  formSystemIs: {
    vi: "Quyền đứng tên hệ thống biểu mẫu {{name}}, có sẵn cùng cơ quan.",
    en: "The grant is held by the form system {{name}}, which comes with the agency.",
  },
  formSystemHelp: {
    vi: "Quyền đứng tên hệ thống biểu mẫu của cơ quan được chọn.",
    en: "The grant is held by the form system of the chosen agency.",
  },
  positions: { vi: "Chức danh được tra cứu", en: "Positions that may use it" },
  positionsHelp: {
    vi: "Chọn hoặc gõ mã chức danh rồi nhấn Enter, ví dụ tu-phap-ho-tich.",
    en: "Choose a position, or type its code and press Enter, such as tu-phap-ho-tich.",
  },
  allOfficersOf: {
    vi: "Chưa nêu chức danh nào: mọi cán bộ của cơ quan đều được tra cứu.",
    en: "No position is named: all officers of the agency may use it.",
  },
  quotaEach: { vi: "Số lượt mỗi cán bộ", en: "Requests of each officer" },
  quotaOfAll: { vi: "Tổng số lượt của cơ quan", en: "Requests of the whole agency" },
  perOf: { vi: "{{of}} tính theo", en: "{{of}}, counted per" },
  referenceRequired: { vi: "Bắt buộc nêu số hồ sơ", en: "The number of the dossier is required" },
  referenceRequiredHelp: {
    vi: "Mỗi lần tra cứu gắn với một hồ sơ; công dân thấy số hồ sơ đó.",
    en: "Each use belongs to a dossier, whose number the citizen sees.",
  },

  missingSystem: { vi: "Hãy chọn hệ thống khai thác.", en: "Choose the system that calls." },
  missingAgency: { vi: "Hãy chọn cơ quan của cán bộ.", en: "Choose the agency of the officers." },
  missingService: { vi: "Hãy chọn dịch vụ.", en: "Choose a service." },
  missingOperations: { vi: "Hãy chọn ít nhất một thao tác.", en: "Choose at least one operation." },
  missingFields: {
    vi: "Hãy chọn ít nhất một trường, hoặc tất cả các trường.",
    en: "Choose at least one field, or all fields.",
  },
  missingPurposes: { vi: "Hãy chọn ít nhất một mục đích.", en: "Choose at least one purpose." },
  missingLegalBasis: {
    vi: "Hãy nêu căn cứ pháp lý, ví dụ số và ngày của văn bản.",
    en: "State the legal basis, such as number and date of the document.",
  },
  missingQuota: { vi: "Hãy nhập số lượt, từ 1 trở lên.", en: "Enter a number of requests, 1 or more." },
  missingDay: { vi: "Hãy chọn ngày.", en: "Choose a day." },
  untilBeforeFrom: {
    vi: "Ngày kết thúc phải từ ngày bắt đầu trở đi.",
    en: "The last day must not be before the first.",
  },
  missingName: { vi: "Hãy đặt mã cho hệ thống.", en: "Give the system a name." },
  malformedName: {
    vi: "Mã chỉ gồm chữ thường không dấu, số và gạch nối, bắt đầu bằng chữ, ví dụ mot-cua.",
    en: "The name has lower-case letters, digits and hyphens, and begins with a letter, such as mot-cua.",
  },
  missingTitle: { vi: "Hãy đặt tên cho hệ thống.", en: "Give the system a title." },

  bothApprove: {
    vi: "Dữ liệu cá nhân: cần cả hai phê duyệt, do hai người khác nhau.",
    en: "Personal data: both have to approve, and they are two different persons.",
  },
  oneApproves: { vi: "Chỉ cần một trong hai phê duyệt.", en: "One of the two approves; that is enough." },
  and: { vi: "và", en: "and" },
  or: { vi: "hoặc", en: "or" },
  administratorOf: { vi: "Quản trị viên của {{agency}}", en: "An administrator of {{agency}}" },
  providerSide: { vi: "Quản trị viên của cơ quan cung cấp", en: "An administrator of the provider's agency" },
  anOperator: { vi: "Người vận hành trục", en: "An operator of the bus" },
  whoCan: { vi: "Có thể phê duyệt:", en: "Can approve it:" },
  nobodyCan: {
    vi: "Chưa có ai ở vai trò này; hãy báo người vận hành trục đăng ký một người.",
    en: "Nobody has this role yet; ask an operator of the bus to register somebody.",
  },
  howTheyLearn: {
    vi: "Ai phải quyết định sẽ thấy yêu cầu này được đếm ở mục Phân quyền trên thanh điều hướng; ai đã chọn nhận thông báo thì có thêm thư điện tử hoặc webhook. Không cần gửi gì thêm.",
    en: "Whoever decides sees this request counted beside Access in the navigation; those who chose notifications also get an e-mail or a webhook. Nothing else has to be sent.",
  },

  alreadyRegistered: {
    vi: "Hệ thống {{name}} đã được đăng ký; phần này không đổi được ở đây nữa.",
    en: "System {{name}} is registered; this step cannot be changed here any more.",
  },
  alreadyRequested: {
    vi: "Đã gửi yêu cầu quyền {{name}}.",
    en: "Grant {{name}} is requested.",
  },
  goOn: { vi: "Đi tiếp", en: "Go on" },
  providerAgency: { vi: "Cơ quan cung cấp", en: "Provider's agency" },
  operations: { vi: "Thao tác", en: "Operations" },
});
