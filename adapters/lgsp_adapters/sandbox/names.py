"""Names and addresses of the fictitious people."""

FAMILY = [
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Vũ",
    "Phan",
    "Đặng",
    "Bùi",
    "Đỗ",
    "Hồ",
    "Ngô",
    "Dương",
    "Lý",
    "Đinh",
    "Đoàn",
]
MIDDLE_MALE = ["Văn", "Đức", "Minh", "Quang", "Hữu", "Công", "Thành", "Xuân", "Ngọc", "Anh"]
MIDDLE_FEMALE = ["Thị", "Thu", "Ngọc", "Thanh", "Hồng", "Thúy", "Minh", "Khánh", "Phương", "Mai"]
GIVEN_MALE = [
    "An",
    "Bảo",
    "Cường",
    "Dũng",
    "Đạt",
    "Hải",
    "Hiếu",
    "Hùng",
    "Khôi",
    "Long",
    "Nam",
    "Phong",
    "Quân",
    "Sơn",
    "Tuấn",
    "Việt",
    "Thắng",
    "Trung",
]
GIVEN_FEMALE = [
    "Anh",
    "Bình",
    "Chi",
    "Dung",
    "Giang",
    "Hà",
    "Hạnh",
    "Hoa",
    "Hương",
    "Lan",
    "Linh",
    "Mai",
    "Nga",
    "Nhung",
    "Oanh",
    "Trang",
    "Yến",
    "Vân",
]

WARDS = (
    ("06685", "Phường Hồng Gai"),
    ("06688", "Phường Bãi Cháy"),
    ("06730", "Phường Cẩm Phả"),
    ("06820", "Phường Uông Bí"),
    ("06778", "Phường Móng Cái 1"),
    ("06658", "Phường Hạ Long"),
    ("07030", "Xã Quảng Hà"),
    ("06862", "Xã Tiên Yên"),
    ("06895", "Xã Ba Chẽ"),
    ("06994", "Đặc khu Vân Đồn"),
    ("07192", "Đặc khu Cô Tô"),
)
"""Commune codes and names since July 2025 (unverified)."""

BUSINESS = (
    ("7912", "Điều hành tua du lịch", "Du lịch"),
    ("4711", "Bán lẻ lương thực, thực phẩm trong các cửa hàng kinh doanh tổng hợp", "Thương mại"),
    ("4933", "Vận tải hàng hóa bằng đường bộ", "Vận tải"),
    ("0510", "Khai thác và thu gom than cứng", "Khoáng sản"),
    ("4101", "Xây dựng nhà để ở", "Xây dựng"),
    ("5510", "Dịch vụ lưu trú ngắn ngày", "Khách sạn"),
    ("0321", "Nuôi trồng thủy sản biển", "Thủy sản"),
    ("6201", "Lập trình máy vi tính", "Công nghệ"),
)
BUSINESS_NAMES = [
    "Hạ Long",
    "Bái Tử Long",
    "Yên Tử",
    "Vân Đồn",
    "Cô Tô",
    "Đông Bắc",
    "Hồng Gai",
    "Bình Minh",
    "Biển Xanh",
    "Hoàng Gia",
    "Thành Công",
    "An Phát",
]
"""Split at commas: several of them are two words."""
