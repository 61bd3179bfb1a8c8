-- Units, revenue and discount of each perishable commodity on each business day.
--
-- Inputs:  transactions (one row per basket line), products (one row per product).
-- Output:  department, series, day, units, revenue, discount; days without a sale have no row.
--
-- Time zone: the timestamps are UTC. Every `week` of the data starts on a Monday at 00:00 in New York and at no
-- other hour, so the business day is the New York date: UTC - 4 h in summer time, UTC - 5 h otherwise.
-- Left out: categories that keep for weeks (apples, onions, dry nuts, hard cheese...). They hardly spoil under any
-- policy, so they would only dilute the comparison. Rows with quantity 0 are coupon or deposit lines, not sales.
SELECT
    p.department,
    p.product_type AS series,
    CAST(
        t.transaction_timestamp - CASE
            WHEN t.transaction_timestamp >= TIMESTAMP '2017-03-12 07:00:00'
             AND t.transaction_timestamp < TIMESTAMP '2017-11-05 06:00:00' THEN INTERVAL 4 HOUR
            ELSE INTERVAL 5 HOUR
        END AS DATE
    ) AS day,
    CAST(sum(t.quantity) AS DOUBLE) AS units,
    round(sum(t.sales_value), 2) AS revenue,
    round(sum(t.retail_disc), 2) AS discount
FROM transactions AS t
JOIN products AS p USING (product_id)
WHERE p.department IN ('PRODUCE', 'MEAT', 'DELI', 'PASTRY', 'SALAD BAR')
  AND p.product_category NOT IN (
      'APPLES', 'CARROTS', 'CHEESES', 'CITRUS', 'DRIED FRUIT', 'NUTS', 'ONIONS', 'PEARS', 'POPCORN', 'POTATOES',
      'PROCESSED')
  AND p.product_type IS NOT NULL
  AND t.quantity > 0
GROUP BY ALL
ORDER BY department, series, day
