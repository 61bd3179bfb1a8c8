"""Names that the SQL recipes, the model and the policies share."""

# Model inputs, in the order of the ONNX model's input tensor. They are columns of sql/features.sql.
FEATURES: tuple[str, ...] = (
    "scale", "department_code", "weekday", "month_day", "days_to_holiday", "days_since_holiday", "is_open",
    "sold1", "sold2", "sold3", "sold7", "sold14", "sold21", "sold28", "mean7", "mean28", "weekday4", "weekday8",
    "deviation56", "mail_inside", "mail_front", "display", "promoted", "mail_inside_usual", "mail_front_usual",
    "display_usual", "promoted7", "promoted_level", "plain_level", "discount1", "discount7", "discount56",
    "shop1", "shop7",
)  # fmt: skip

# Inputs whose distribution is watched for drift. Calendar columns drift by nature and are left out.
WATCHED: tuple[str, ...] = (
    "scale", "mean7", "weekday4", "deviation56", "mail_inside", "mail_front", "promoted_level", "discount7",
)  # fmt: skip

# Quantiles of a day's demand that the model predicts, in the order of its output tensor's columns.
QUANTILES: tuple[float, float] = (0.5, 0.9)

# Days on the shelf, the day of delivery included (README, "Shelf lives", has the reasons).
SHELF_LIFE_DAYS: dict[str, int] = {"PRODUCE": 4, "MEAT": 3, "DELI": 3, "PASTRY": 2, "SALAD BAR": 2}

# Share of demand that the shop wants to serve from stock; the safety factors are tuned to it.
TARGET_FILL_RATE = 0.97
