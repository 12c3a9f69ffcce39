import { createTexts } from "./createTexts";

/** The texts of the pages on which people sign in. */
export const useSignInTexts = createTexts("signIn", {
  title: { vi: "Đăng nhập", en: "Sign in" },
  product: { vi: "Trục dữ liệu của tỉnh", en: "The province's data bus" },
  withIssuer: { vi: "Đăng nhập bằng {{issuer}}", en: "Sign in with {{issuer}}" },
  or: { vi: "hoặc bằng tài khoản của trục", en: "or with an account of the bus" },
  user: { vi: "Tên đăng nhập", en: "User name" },
  password: { vi: "Mật khẩu", en: "Password" },
  showPassword: { vi: "Hiện mật khẩu", en: "Show the password" },
  code: { vi: "Mã xác thực", en: "Code" },
  codeHelp: {
    vi: "6 chữ số trong ứng dụng xác thực, hoặc một mã khôi phục",
    en: "6 digits of your authenticator, or a recovery code",
  },
  passkey: { vi: "Dùng khóa truy cập (passkey)", en: "Use a passkey" },
  passkeyStopped: {
    vi: "Thiết bị không đưa ra khóa truy cập nào. Hãy thử lại, hoặc dùng mật khẩu.",
    en: "The device showed no passkey. Try again, or use your password.",
  },
  nothingConfigured: {
    vi: "Trục chưa có cách đăng nhập nào trên trình duyệt. Người vận hành cấu hình bên cấp tài khoản, hoặc tạo người dùng bằng lgsp user create.",
    en: "Nobody can sign in to this bus in a browser yet. Its operator configures an issuer, or makes users with lgsp user create.",
  },
  signedOut: {
    vi: "Bạn đã đăng xuất ở mọi thẻ của trình duyệt này.",
    en: "You are signed out in all tabs of this browser.",
  },
  stillAtIssuer: {
    vi: "Bạn vẫn còn đăng nhập ở bên cấp tài khoản.",
    en: "You are still signed in with the issuer of your account.",
  },
  signOutAtIssuer: { vi: "Đăng xuất cả ở đó", en: "Sign out there too" },
  againHelp: {
    vi: "Việc bạn đang làm quyết định dữ liệu được gửi đi đâu hoặc xóa dữ liệu, nên bạn cần xác thực lại, kể cả khi vẫn còn đăng nhập ở bên cấp tài khoản.",
    en: "What you are doing decides where data is sent, or deletes it, so you enter your credentials again, even if you are still signed in with your issuer.",
  },
  notRegistered: { vi: "Tài khoản chưa được đăng ký", en: "The account is not registered yet" },
  notRegisteredHelp: {
    vi: "Bạn đã đăng nhập đúng, nhưng trục chưa biết bạn là ai. Hãy báo mã dưới đây cho người vận hành trục, trực tiếp hoặc qua điện thoại; mã này không cần giữ bí mật. Sau khi họ đăng ký, hãy đăng nhập lại.",
    en: "You signed in correctly, but the bus does not know who you are. Tell the code below to an operator of the bus, in person or by phone; it is no secret. Sign in again once they have registered it.",
  },
  accountCode: { vi: "Mã tài khoản", en: "Account code" },
  notSignedIn: { vi: "Chưa đăng nhập được", en: "You are not signed in" },
  done: { vi: "Đã đăng nhập", en: "You are signed in" },
  doneHelp: {
    vi: "Hãy đóng thẻ này và quay lại trang bạn đang làm dở: mọi thứ bạn đã nhập vẫn còn.",
    en: "Close this tab and go back to the page that you were on: what you typed is still there.",
  },
  openConsole: { vi: "Mở bảng điều hành", en: "Open the console" },
  endedTitle: { vi: "Phiên làm việc đã kết thúc", en: "Your session has ended" },
  endedHelp: {
    vi: "Hãy đăng nhập lại để làm tiếp. Những gì bạn đã nhập vẫn còn trên trang.",
    en: "Sign in again to go on. What you typed is still on the page.",
  },
  inNewTab: { vi: "mở trong thẻ mới", en: "opens a new tab" },
  leave: { vi: "Bỏ và về trang đăng nhập", en: "Leave, and go to the sign-in page" },
  choosePassword: { vi: "Chọn mật khẩu", en: "Choose a password" },
  choosePasswordFor: { vi: "Cho người dùng {{user}}", en: "For the user {{user}}" },
  newPassword: { vi: "Mật khẩu mới", en: "New password" },
  newPasswordHelp: {
    vi: "Ít nhất 15 ký tự, có thể có dấu và dấu cách: một câu chỉ bạn biết là tốt nhất.",
    en: "At least 15 characters; spaces and accents are welcome. A sentence that only you know is best.",
  },
  save: { vi: "Lưu mật khẩu", en: "Save the password" },
  passwordSaved: { vi: "Đã lưu mật khẩu", en: "The password is saved" },
  passwordSavedHelp: {
    vi: "Tài khoản này chưa được đăng ký; hãy gửi mã dưới đây cho người vận hành để họ đăng ký bạn.",
    en: "This account is not registered yet; send an operator this code, so that they register you.",
  },
  passwordSavedRegistered: {
    vi: "Bạn đã được đăng ký; hãy đăng nhập bằng mật khẩu vừa chọn.",
    en: "You are registered; sign in with the password that you have chosen.",
  },
  toSignIn: { vi: "Đến trang đăng nhập", en: "Go to the sign-in page" },
  linkIncomplete: {
    vi: "Liên kết này thiếu một phần; hãy sao chép lại toàn bộ.",
    en: "This link is incomplete; copy all of it.",
  },
  signingIn: { vi: "Đang đăng nhập…", en: "Signing in…" },
});
