-- How strongly each perishable commodity is promoted in each week (Monday to Sunday).
--
-- Inputs:  promotions (one row per product, store and week), products.
-- Output:  department, series, week_start, mail_inside, mail_front, display: product placements per store. The 112
--          stores are those that the promotions table covers.
-- The retailer plans mailers and displays weeks ahead, so a week's row is known before its Monday.
-- Codes (from the data's own documentation): mailer D, F, H, J, L are front page, back page and wrap; A, C, P, X are
-- inside pages; Z is "free on front page, back page or wrap". Display 0 means not on display.
SELECT
    p.department,
    p.product_type AS series,
    CAST(DATE '2016-12-26' + CAST(7 * (m.week - 1) AS INTEGER) AS DATE) AS week_start,
    count(*) FILTER (m.mailer_location IN ('A', 'C', 'P', 'X')) / 112.0 AS mail_inside,
    count(*) FILTER (m.mailer_location IN ('D', 'F', 'H', 'J', 'L', 'Z')) / 112.0 AS mail_front,
    count(*) FILTER (m.display_location <> '0') / 112.0 AS display
FROM promotions AS m
JOIN products AS p USING (product_id)
WHERE p.department IN ('PRODUCE', 'MEAT', 'DELI', 'PASTRY', 'SALAD BAR')
  AND p.product_type IS NOT NULL
GROUP BY ALL
ORDER BY department, series, week_start
