-- One row per commodity and day: what is known before the shop opens, and (once it is over) what was sold.
--
-- Inputs:  daily_sales (sql/daily_sales.sql), promo_week (sql/promo_week.sql).
--          $1, the day to plan.
-- Output:  department, series, day, units (the label; NULL for the day to plan), then the model's inputs in the order of
--          restock/columns.py. The last day is the day to plan; a day before it without sales (the shop was closed) is 0.
-- Leakage: every window over sales ends at 1 PRECEDING, so a row uses days before its own only. Promotions of the
--          row's own week are used: the mailer is printed before the week starts. Holidays are the calendar.
-- Scale:   demand inputs are divided by `scale`, the mean of the last eight weeks, so that one model serves all series.
WITH series AS (
    -- Commodities sold at least three units a day before the first planned day (2017-05-29): chosen without hindsight.
    SELECT department, series
    FROM daily_sales
    WHERE day >= DATE '2017-01-02' AND day < DATE '2017-05-29'
    GROUP BY ALL
    HAVING sum(units) >= 3 * 147
),
days AS (
    -- The first of January is left out: the data starts in the course of that day.
    SELECT CAST(unnest(generate_series(DATE '2017-01-02', CAST($1 AS DATE), INTERVAL 1 DAY)) AS DATE) AS day,
           CAST($1 AS DATE) - 1 AS last_day
),
holidays (holiday) AS (
    VALUES (DATE '2017-01-01'), (DATE '2017-02-05'), (DATE '2017-02-14'), (DATE '2017-04-16'), (DATE '2017-05-29'),
           (DATE '2017-07-04'), (DATE '2017-09-04'), (DATE '2017-10-31'), (DATE '2017-11-23'), (DATE '2017-12-25'),
           (DATE '2018-01-01')
),
calendar AS (
    SELECT day, last_day,
           isodow(day) AS weekday,
           day(day) AS month_day,
           least(14, (SELECT min(holiday - day) FROM holidays WHERE holiday >= day)) AS days_to_holiday,
           least(14, (SELECT min(day - holiday) FROM holidays WHERE holiday <= day)) AS days_since_holiday,
           CAST(day <> DATE '2017-12-25' AS INTEGER) AS is_open
    FROM days
),
grid AS (
    SELECT s.department, s.series, c.*,
           coalesce(d.units, 0) AS sold,
           coalesce(d.revenue, 0) AS revenue,
           coalesce(d.discount, 0) AS discount,
           coalesce(p.mail_inside, 0) AS mail_inside,
           coalesce(p.mail_front, 0) AS mail_front,
           coalesce(p.display, 0) AS display,
           CAST(coalesce(p.mail_inside, 0) + coalesce(p.mail_front, 0) > 0.3 AS INTEGER) AS promoted
    FROM series AS s
    CROSS JOIN calendar AS c
    LEFT JOIN daily_sales AS d ON d.department = s.department AND d.series = s.series AND d.day = c.day
    LEFT JOIN promo_week AS p
        ON p.department = s.department AND p.series = s.series AND p.week_start = date_trunc('week', c.day)
),
shop AS (
    SELECT day, sum(sold) AS shop_sold FROM grid GROUP BY day
),
windows AS (
    SELECT g.*,
           0.5 + avg(sold) OVER past56 AS scale,
           stddev_samp(sold) OVER past56 AS deviation56,
           lag(sold, 1) OVER history AS sold1,
           lag(sold, 2) OVER history AS sold2,
           lag(sold, 3) OVER history AS sold3,
           lag(sold, 7) OVER history AS sold7,
           lag(sold, 14) OVER history AS sold14,
           lag(sold, 21) OVER history AS sold21,
           lag(sold, 28) OVER history AS sold28,
           avg(sold) OVER past7 AS mean7,
           avg(sold) OVER past28 AS mean28,
           avg(sold) OVER (same_weekday ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING) AS weekday4,
           avg(sold) OVER (same_weekday ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING) AS weekday8,
           avg(mail_inside) OVER past56 AS mail_inside_usual,
           avg(mail_front) OVER past56 AS mail_front_usual,
           avg(display) OVER past56 AS display_usual,
           lag(promoted, 7) OVER history AS promoted7,
           sum(sold * promoted) OVER past AS promoted_sold,
           sum(promoted) OVER past AS promoted_days,
           sum(sold * (1 - promoted)) OVER past AS plain_sold,
           sum(1 - promoted) OVER past AS plain_days,
           lag(discount / (revenue + discount + 0.01), 1) OVER history AS discount1,
           sum(discount) OVER past7 / (sum(revenue + discount) OVER past7 + 0.01) AS discount7,
           sum(discount) OVER past56 / (sum(revenue + discount) OVER past56 + 0.01) AS discount56
    FROM grid AS g
    WINDOW history AS (PARTITION BY department, series ORDER BY day),
           same_weekday AS (PARTITION BY department, series, weekday ORDER BY day),
           past AS (history ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
           past7 AS (history ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING),
           past28 AS (history ROWS BETWEEN 28 PRECEDING AND 1 PRECEDING),
           past56 AS (history ROWS BETWEEN 56 PRECEDING AND 1 PRECEDING)
),
shop_windows AS (
    SELECT day,
           lag(shop_sold, 1) OVER (ORDER BY day) AS shop1,
           avg(shop_sold) OVER (ORDER BY day ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING) AS shop7,
           avg(shop_sold) OVER (ORDER BY day ROWS BETWEEN 28 PRECEDING AND 1 PRECEDING) AS shop28
    FROM shop
)
SELECT department, series, day,
       CASE WHEN day <= last_day THEN sold END AS units,
       scale,
       CASE department WHEN 'PRODUCE' THEN 0 WHEN 'MEAT' THEN 1 WHEN 'DELI' THEN 2 WHEN 'PASTRY' THEN 3 ELSE 4 END
           AS department_code,
       weekday, month_day, days_to_holiday, days_since_holiday, is_open,
       sold1 / scale AS sold1,
       sold2 / scale AS sold2,
       sold3 / scale AS sold3,
       sold7 / scale AS sold7,
       sold14 / scale AS sold14,
       sold21 / scale AS sold21,
       sold28 / scale AS sold28,
       mean7 / scale AS mean7,
       mean28 / scale AS mean28,
       weekday4 / scale AS weekday4,
       weekday8 / scale AS weekday8,
       deviation56 / scale AS deviation56,
       mail_inside, mail_front, display, promoted,
       mail_inside_usual, mail_front_usual, display_usual, promoted7,
       -- Usual level on promoted and on plain days, pulled towards the mean by a week's worth of days.
       (promoted_sold + 7 * scale) / (promoted_days + 7) / scale AS promoted_level,
       (plain_sold + 7 * scale) / (plain_days + 7) / scale AS plain_level,
       discount1, discount7, discount56,
       shop1 / shop28 AS shop1,
       shop7 / shop28 AS shop7
FROM windows
JOIN shop_windows USING (day)
WHERE day >= DATE '2017-02-06'
ORDER BY department, series, day
