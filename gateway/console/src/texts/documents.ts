import { createTexts } from "./createTexts";

/** What the fields of registry documents are called in forms, and what helps to fill them in. */
export const useDocumentTexts = createTexts("documents", {
  "new.agencies": { vi: "Thêm cơ quan", en: "Add an agency" },
  "new.purposes": { vi: "Thêm mục đích", en: "Add a purpose" },
  "new.persons": { vi: "Thêm người", en: "Add a person" },
  "edit.agencies": { vi: "Sửa cơ quan {{name}}", en: "Edit agency {{name}}" },
  "edit.purposes": { vi: "Sửa mục đích {{name}}", en: "Edit purpose {{name}}" },
  "edit.persons": { vi: "Sửa người {{name}}", en: "Edit person {{name}}" },
  "edit.systems": { vi: "Sửa hệ thống {{name}}", en: "Edit system {{name}}" },
  "name.agencies": { vi: "Mã định danh", en: "Code" },
  "nameHelp.agencies": {
    vi: "Mã định danh điện tử của cơ quan, ví dụ H49.12. Không đổi được về sau.",
    en: "The electronic identification code of the agency, such as H49.12. It cannot be changed later.",
  },
  "name.purposes": { vi: "Mã mục đích", en: "Code of the purpose" },
  "nameHelp.purposes": {
    vi: "Mã ghi trong quyền khai thác và lời gọi, ví dụ cap-giay-phep. Không đổi được về sau.",
    en: "The code that grants and calls hold, such as cap-giay-phep. It cannot be changed later.",
  },
  "eyes.persons": {
    vi: "Người ở vai trò phê duyệt (vận hành trục, quản trị cơ quan) chỉ bắt đầu làm việc khi một người vận hành khác phê duyệt. Không ai sửa được hồ sơ của chính mình.",
    en: "A person in a role that approves (operator, administrator of an agency) begins only when another operator has approved them. Nobody changes their own document.",
  },
  "eyes.systems": {
    vi: "Chỉ người vận hành trục đặt vai trò của hệ thống. Khóa được quản lý riêng và giữ nguyên.",
    en: "Only operators of the bus set the roles of a system. Its keys are managed apart, and stay.",
  },
  reason: { vi: "Lý do thay đổi (không bắt buộc)", en: "Reason for the change (optional)" },
  reasonHelp: { vi: "Lý do được lưu trong lịch sử.", en: "It stands in the history." },
  save: { vi: "Lưu", en: "Save" },
  cancel: { vi: "Hủy", en: "Cancel" },
  saved: { vi: "Đã lưu {{name}}", en: "{{name}} is saved" },
  nowIs: { vi: "Trạng thái: {{state}}", en: "State: {{state}}" },

  thisBus: { vi: "Trục này (người dùng của trục)", en: "This bus (local users)" },

  "/title": { vi: "Tên", en: "Title" },
  "/title/vi": { vi: "Tên tiếng Việt", en: "Title in Vietnamese" },
  "/title/en": { vi: "Tên tiếng Anh", en: "Title in English" },
  "/contact": { vi: "Liên hệ", en: "Contact" },
  "/contact/office": { vi: "Bộ phận phụ trách", en: "Office" },
  "/contact/email": { vi: "Thư điện tử của bộ phận", en: "E-mail of the office" },
  "/contact/phone": { vi: "Điện thoại", en: "Telephone" },
  "/contact/url": { vi: "Trang web", en: "Web page" },
  "/storage": { vi: "Hạn mức lưu trữ", en: "Storage quota" },
  "/agency": { vi: "Cơ quan", en: "Agency" },
  "/roles": { vi: "Vai trò", en: "Roles" },
  "/issuer": { vi: "Nơi đăng nhập", en: "Issuer to sign in with" },
  "/positions": { vi: "Chức danh", en: "Positions" },
  "/legalBasis": { vi: "Căn cứ pháp lý", en: "Legal basis" },

  "help/contact": {
    vi: "Ai cũng xem được: hãy ghi địa chỉ của bộ phận, không ghi của cá nhân.",
    en: "Everybody sees it: give the address of an office, not of a person.",
  },
  "help/storage": {
    vi: "Ví dụ 50GiB. Để trống để dùng mức chung của trục.",
    en: "Such as 50GiB. Leave it empty for the quota of the bus.",
  },
  "help/roles": {
    vi: "Cán bộ chỉ dùng biểu mẫu tra cứu; các vai trò khác làm việc với sổ đăng ký.",
    en: "An officer uses forms alone; the other roles work with the registry.",
  },
  "help/positions": {
    vi: "Mã chức danh của cán bộ, ví dụ tu-phap-ho-tich.",
    en: "Codes of an officer's positions, such as tu-phap-ho-tich.",
  },
  "help/legalBasis": {
    vi: "Văn bản cho phép dùng dữ liệu vào mục đích này.",
    en: "What allows data to be used for this purpose.",
  },
});
